//! Argon2id (RFC 9106) on a bounded number of threads: each hash takes 19 MiB and a core for some 25 ms, and a storm
//! of sign-ins must neither eat the memory nor starve the other requests. The memory is kept from one hash to the next, and
//! given back when nobody has signed in for a while: an allocator that is given it back each time keeps some for each
//! thread that ever hashed. The threads yield to everything else that wants their core, in this process and beside it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use argon2::password_hash::Error;
use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use hms_model::Secret;
use hms_problem::{Code, Problem};
use parking_lot::Mutex;
use ring::rand::{SecureRandom, SystemRandom};
use tokio::sync::{Semaphore, oneshot};

/// What OWASP's Password Storage Cheat Sheet asks for: 19 MiB, two passes, one lane.
const PARAMS: Params = Params::DEFAULT;

/// A hash of no password: an unknown user costs the same time as a wrong password.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5LWF0LWFsbC4uLg$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// How many may wait for each thread; beyond that the service says 503. With 25 ms a hash the last one waits for
/// two seconds or less.
const WAITING: usize = 64;

/// How nice a thread that hashes is to others: it gets a thirtieth of what one that answers requests gets of the same core.
#[cfg(target_os = "linux")]
const NICE: i32 = 15;

/// For how long nobody must have signed in until the memory is given back.
const QUIET: Duration = Duration::from_secs(10);

/// Hashes and verifies passwords, as many at a time as there are cores.
pub struct Hashing {
    threads: Arc<Semaphore>,
    /// The threads and the places in the line before them.
    places: Semaphore,
    memory: Arc<Kept>,
}

/// What one hash fills.
type Memory = Vec<Block>;

/// The memory of those threads that do not hash at the moment.
struct Kept {
    free: Mutex<Vec<Memory>>,
    /// How many hashes there were.
    hashes: AtomicU64,
    /// Whether somebody waits for the time to give it back.
    watched: AtomicBool,
    /// For how long nobody must have signed in until then.
    quiet: Duration,
}

/// What came of a verification.
#[derive(Debug)]
pub enum Verdict {
    /// The password is right.
    Right {
        /// Its hash with the present parameters, where the kept one has others.
        renewed: Option<String>,
    },
    /// It is not.
    Wrong,
}

impl Hashing {
    /// One thread for each core.
    pub fn new() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
        Self::bounded(cores, cores * WAITING, QUIET)
    }

    fn bounded(threads: usize, waiting: usize, quiet: Duration) -> Self {
        let (free, hashes, watched) = (Mutex::default(), AtomicU64::default(), AtomicBool::default());
        let memory = Arc::new(Kept { free, hashes, watched, quiet });
        Self { threads: Arc::new(Semaphore::new(threads)), places: Semaphore::new(threads + waiting), memory }
    }

    /// The hash of a new password, as a PHC string.
    pub async fn hash(&self, password: Secret) -> Result<String, Problem> {
        self.run(move |memory| hash(&password, memory)).await
    }

    /// Whether the password is the one of this hash; without a hash it takes the same time and is wrong.
    pub async fn verify(&self, password: Secret, kept: Option<String>) -> Result<Verdict, Problem> {
        self.run(move |memory| match kept {
            Some(kept) => verify(&password, &kept, memory),
            None => verify(&password, NOBODY, memory).map(|_| Verdict::Wrong),
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Problem> {
        let _place = self.places.try_acquire().map_err(|_| Code::Unavailable)?;
        let thread = self.threads.clone().acquire_owned().await.map_err(|_| Code::Unavailable)?;
        let kept = Arc::clone(&self.memory);
        let runtime = tokio::runtime::Handle::current();
        let (done, outcome) = oneshot::channel();
        let hash = move || {
            // Held until the work is done, also when nobody waits for it any more.
            let _thread = thread;
            let _runtime = runtime.enter();
            yield_to_others();
            let mut memory = kept.take();
            let outcome = work(&mut memory);
            kept.put(memory);
            let _nobody_waits = done.send(outcome);
        };
        // A thread of its own for each hash, since they keep their priority; to start one takes a thousandth of the hash.
        std::thread::Builder::new().name("argon2".to_owned()).spawn(hash).map_err(failed)?;
        outcome.await.map_err(failed)?.map_err(failed)
    }
}

impl Kept {
    fn take(&self) -> Memory {
        self.free.lock().pop().unwrap_or_default()
    }

    /// Memory of another size is that of a hash with old parameters.
    fn put(self: &Arc<Self>, memory: Memory) {
        if memory.capacity() == PARAMS.block_count() {
            self.hashes.fetch_add(1, Ordering::Relaxed);
            self.free.lock().push(memory);
            self.watch();
        }
    }

    /// Gives all of it back once it has been quiet, if nobody waits for that already.
    fn watch(self: &Arc<Self>) {
        if self.watched.swap(true, Ordering::AcqRel) {
            return;
        }
        let (kept, quiet) = (Arc::downgrade(self), self.quiet);
        tokio::spawn(async move {
            let mut before = None;
            loop {
                tokio::time::sleep(quiet).await;
                let Some(kept) = kept.upgrade() else { return };
                let now = Some(kept.hashes.load(Ordering::Relaxed));
                if now == before {
                    // Who comes from here on watches anew.
                    kept.watched.store(false, Ordering::Release);
                    kept.free.lock().clear();
                    return;
                }
                before = now;
            }
        });
    }
}

/// Lowers the priority of this thread: while it hashes, requests that need little go first. Elsewhere than on Linux that would
/// be the whole process.
fn yield_to_others() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "a password is hashed with the priority of everything else");
    }
}

fn failed(error: impl std::fmt::Display) -> Problem {
    tracing::error!(%error, "a password could not be hashed");
    Problem::new(Code::Internal)
}

fn hash(password: &Secret, memory: &mut Memory) -> Result<String, Error> {
    let mut salt = [0; 16];
    SystemRandom::new().fill(&mut salt).map_err(|_| Error::Crypto)?;
    let (algorithm, version) = (Algorithm::Argon2id, Version::V0x13);
    let hash = PasswordHash {
        algorithm: algorithm.ident(),
        version: Some(version.into()),
        params: ParamsString::try_from(&PARAMS)?,
        salt: Some(Salt::new(&salt)?),
        hash: Some(output(&Argon2::new(algorithm, version, PARAMS), password, &salt, memory)?),
    };
    Ok(hash.to_string())
}

fn verify(password: &Secret, kept: &str, memory: &mut Memory) -> Result<Verdict, Error> {
    let kept = PasswordHash::new(kept)?;
    let (Some(salt), Some(wanted)) = (&kept.salt, &kept.hash) else { return Ok(Verdict::Wrong) };
    let version = kept.version.map_or(Ok(Version::default()), Version::try_from)?;
    let argon2 =
        Argon2::new(Algorithm::try_from(kept.algorithm.as_str())?, version, Params::try_from(&kept)?);
    // The comparison of two outputs takes the same time wherever they differ.
    if output(&argon2, password, salt, memory)? != *wanted {
        return Ok(Verdict::Wrong);
    }
    let renewed = if is_present(&kept) { None } else { Some(hash(password, memory)?) };
    Ok(Verdict::Right { renewed })
}

fn output(argon2: &Argon2<'_>, password: &Secret, salt: &[u8], memory: &mut Memory) -> Result<Output, Error> {
    let mut octets = [0; Output::MAX_LENGTH];
    let length = argon2.params().output_len().unwrap_or(Params::DEFAULT_OUTPUT_LEN);
    let out = octets.get_mut(..length).ok_or(Error::OutputSize)?;
    memory.resize(argon2.params().block_count(), Block::new());
    argon2.hash_password_into_with_memory(password.expose().as_bytes(), salt, out, memory.as_mut_slice())?;
    Ok(Output::new(out)?)
}

/// Whether a hash was made with the algorithm and the parameters of today.
fn is_present(kept: &PasswordHash) -> bool {
    let params = Params::try_from(&kept.params).ok();
    let same = params.is_some_and(|found| {
        (found.m_cost(), found.t_cost(), found.p_cost())
            == (PARAMS.m_cost(), PARAMS.t_cost(), PARAMS.p_cost())
    });
    same && kept.algorithm == Algorithm::Argon2id.ident() && kept.version == Some(Version::V0x13.into())
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::PasswordHasher;

    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text)
    }

    #[tokio::test]
    async fn a_password_is_told_from_another() {
        let hashing = Hashing::new();
        let kept = hashing.hash(secret("tin-plover-94-lagoon")).await.unwrap();
        assert!(kept.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{kept}");
        let verdict = hashing.verify(secret("tin-plover-94-lagoon"), Some(kept.clone())).await.unwrap();
        assert!(matches!(verdict, Verdict::Right { renewed: None }), "{verdict:?}");
        let verdict = hashing.verify(secret("tin-plover-94-lagooN"), Some(kept)).await.unwrap();
        assert!(matches!(verdict, Verdict::Wrong), "{verdict:?}");
    }

    #[tokio::test]
    async fn a_hash_with_other_parameters_is_renewed() {
        let old = Argon2::from(Params::new(64, 1, 1, None).unwrap());
        let old: PasswordHash = old.hash_password_with_salt(b"tin-plover-94-lagoon", &[7; 16]).unwrap();
        let verdict =
            Hashing::new().verify(secret("tin-plover-94-lagoon"), Some(old.to_string())).await.unwrap();
        let Verdict::Right { renewed: Some(renewed) } = verdict else { panic!("{verdict:?}") };
        assert!(is_present(&PasswordHash::new(&renewed).unwrap()));
    }

    #[tokio::test]
    async fn an_unknown_user_is_verified_with_the_present_parameters() {
        assert!(is_present(&PasswordHash::new(NOBODY).unwrap()));
        let verdict = Hashing::new().verify(secret("tin-plover-94-lagoon"), None).await.unwrap();
        assert!(matches!(verdict, Verdict::Wrong), "{verdict:?}");
    }

    #[tokio::test]
    async fn the_memory_is_given_back_when_it_has_been_quiet() {
        let hashing = Hashing::bounded(2, 16, Duration::from_millis(20));
        for hashes in 1..=2 {
            hashing.verify(secret("wrong"), None).await.unwrap();
            assert_eq!(hashing.memory.hashes.load(Ordering::Relaxed), hashes);
            let given_back = async {
                while !hashing.memory.free.lock().is_empty() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            tokio::time::timeout(Duration::from_secs(20), given_back).await.expect("it is kept");
        }
    }

    #[tokio::test]
    async fn the_memory_is_that_of_the_threads_however_many_sign_in() {
        let hashing = Hashing::bounded(2, 16, QUIET);
        let old = Argon2::from(Params::new(64, 1, 1, None).unwrap());
        let old: PasswordHash = old.hash_password_with_salt(b"tin-plover-94-lagoon", &[7; 16]).unwrap();
        for kept in [None, Some(old.to_string())] {
            let many = (0..8).map(|_| hashing.verify(secret("wrong"), kept.clone()));
            for verdict in futures_util::future::join_all(many).await {
                assert!(matches!(verdict.unwrap(), Verdict::Wrong));
            }
            let memory = hashing.memory.free.lock();
            assert!((1..=2).contains(&memory.len()), "{}", memory.len());
            assert!(memory.iter().all(|blocks| blocks.capacity() == PARAMS.block_count()));
        }
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_hashes_yields_to_others() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let hashing = Hashing::bounded(1, 1, QUIET);
        assert_eq!(hashing.run(move |_| Ok(nice())).await.unwrap(), (before + NICE).min(19));
        assert_eq!(nice(), before, "and whoever asked keeps its own");
    }

    #[tokio::test]
    async fn who_finds_no_place_in_the_line_is_told_at_once() {
        let hashing = Arc::new(Hashing::bounded(1, 1, QUIET));
        let busy = hashing.threads.clone().acquire_owned().await.unwrap();
        let _at_work = hashing.places.try_acquire().unwrap();
        let line = hashing.clone();
        let waits = tokio::spawn(async move { line.hash(secret("first")).await });
        while hashing.places.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(hashing.hash(secret("second")).await.unwrap_err().code(), Code::Unavailable);
        drop(busy);
        assert!(waits.await.unwrap().is_ok());
    }
}
