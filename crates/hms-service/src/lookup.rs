//! Records that are asked for by their keys at the same time, read by one statement: a database is asked for fifty
//! records hardly more slowly than for one.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use hms_db::{Database, Db, Error};
use hms_problem::{Code, Problem};
use tokio::sync::{mpsc, oneshot};

/// Who waits for the next statement at the most; beyond that the service says 503 and does not pile up.
const WAITING: usize = 4_096;
/// Records of one statement at the most.
const TOGETHER: usize = 128;

struct Asked<K, V> {
    key: K,
    answer: oneshot::Sender<Result<V, Problem>>,
}

/// The way to the records; clones lead to the same.
pub struct Lookup<K, V>(mpsc::Sender<Asked<K, V>>);

impl<K, V> Clone for Lookup<K, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<K, V> Lookup<K, V>
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + 'static,
{
    /// Starts to answer; `find` gives those that are there. It ends when the last [`Lookup`] is gone.
    pub fn start(
        database: Database,
        find: impl Fn(&mut Db, &[K]) -> hms_db::Result<HashMap<K, V>> + Send + Sync + 'static,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(WAITING);
        tokio::spawn(answer(receiver, database, Arc::new(find)));
        Self(sender)
    }

    /// The record as it is committed now, or later than now; 404 where there is none.
    pub async fn find(&self, key: K) -> Result<V, Problem> {
        let (answer, record) = oneshot::channel();
        self.0.try_send(Asked { key, answer }).map_err(|_| Problem::new(Code::Unavailable))?;
        record.await.unwrap_or_else(|_| Err(Problem::new(Code::Unavailable)))
    }
}

/// What came while one statement ran is asked for by the next.
async fn answer<K, V, F>(mut receiver: mpsc::Receiver<Asked<K, V>>, database: Database, find: Arc<F>)
where
    K: Copy + Eq + Hash + Send + Sync + 'static,
    V: Clone + Send + 'static,
    F: Fn(&mut Db, &[K]) -> hms_db::Result<HashMap<K, V>> + Send + Sync + 'static,
{
    let mut together = Vec::with_capacity(TOGETHER);
    while receiver.recv_many(&mut together, TOGETHER).await > 0 {
        let keys: Vec<K> = together.iter().map(|asked| asked.key).collect();
        let find_all = Arc::clone(&find);
        match database.read(move |db| find_all(db, &keys)).await {
            Ok(records) => {
                for Asked { key, answer } in together.drain(..) {
                    let record = records.get(&key).cloned().ok_or_else(|| Code::NotFound.into());
                    // Whoever no longer waits has gone away.
                    let _gone = answer.send(record);
                }
            }
            // One of them cannot be read; that is none of the others' business.
            Err(Error::Other(_)) if together.len() > 1 => {
                for Asked { key, answer } in together.drain(..) {
                    let find = Arc::clone(&find);
                    let found = database.read(move |db| find(db, &[key])).await.map_err(Problem::from);
                    let record =
                        found.and_then(|mut found| found.remove(&key).ok_or_else(|| Code::NotFound.into()));
                    let _gone = answer.send(record);
                }
            }
            Err(error) => {
                let problem = Problem::from(error);
                for Asked { answer, .. } in together.drain(..) {
                    let _gone = answer.send(Err(problem.clone()));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use hms_db::PoolOptions;
    use hms_testkit::database::TestDatabase;
    use hms_testkit::on_both_back_ends;
    use parking_lot::Mutex;

    use super::*;

    /// Numbers from 1 to 99 are there, 13 cannot be read, and 666 takes the database away; it notes for how many was
    /// asked at once.
    fn numbers(database: Database, asked: &Arc<Mutex<Vec<usize>>>) -> Lookup<u32, String> {
        let asked = Arc::clone(asked);
        Lookup::start(database, move |_, keys| {
            asked.lock().push(keys.len());
            match keys {
                keys if keys.contains(&666) => Err(Error::Busy),
                keys if keys.contains(&13) => Err(Error::Other("13".into())),
                keys => {
                    let there = keys.iter().filter(|key| (1..100).contains(*key));
                    Ok(there.map(|key| (*key, format!("number {key}"))).collect())
                }
            }
        })
    }

    async fn ask(lookup: &Lookup<u32, String>, keys: &[u32]) -> Vec<Result<String, Problem>> {
        futures_util::future::join_all(keys.iter().map(|key| lookup.find(*key))).await
    }

    on_both_back_ends! {
        async fn those_who_ask_at_the_same_time_are_answered_together_each_with_their_own(backend) {
            let own = TestDatabase::new(backend, "lookup", &hms_db::Migrations::new()).await;
            let asked = Arc::default();
            let lookup = numbers(Database::new(own.url.clone(), PoolOptions::default()), &asked);
            let seven = Ok("number 7".to_owned());
            let unknown = Err(Code::NotFound.into());
            let ninety_nine = Ok("number 99".to_owned());
            assert_eq!(ask(&lookup, &[7, 0, 7, 99]).await, [seven.clone(), unknown, seven.clone(), ninety_nine]);
            assert_eq!(std::mem::take(&mut *asked.lock()), [4]);
            let unreadable = Err(Code::Internal.into());
            assert_eq!(ask(&lookup, &[7, 13, 7]).await, [seven.clone(), unreadable, seven]);
            assert_eq!(std::mem::take(&mut *asked.lock()), [3, 1, 1, 1], "the one is the one's own trouble");
            let away: Result<String, Problem> = Err(Code::Unavailable.into());
            assert_eq!(ask(&lookup, &[7, 666]).await, [away.clone(), away]);
            assert_eq!(*asked.lock(), [2], "a database that is away is not asked again for each");
        }
    }
}
