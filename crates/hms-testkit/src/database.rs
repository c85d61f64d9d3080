//! A database per test: a copy of a template that was migrated once. Tests run in processes of their own, so the
//! template lies where all of them find it, under a name that tells which migrations are in it.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use hms_db::{Backend, Database, DatabaseUrl, Migrations, PoolOptions};
use hms_model::Clock;
use hms_model::id::Id;
use hms_settings::Settings;

use crate::Folder;

/// The advisory lock, in the database of the server's URL, of those who look for a template: "HMST".
const LOCK: i64 = 0x48_4D_53_54;

/// The back ends that tests run on: `HMS_TEST_BACKENDS`, by default `sqlite,postgres`.
pub fn backends() -> Vec<Backend> {
    let names = setting("HMS_TEST_BACKENDS", "sqlite,postgres");
    let find = |name: &str| Backend::ALL.into_iter().find(|backend| backend.name() == name.trim());
    names.split(',').map(|name| find(name).unwrap_or_else(|| panic!("HMS_TEST_BACKENDS: {name:?}"))).collect()
}

/// Whether tests run on this back end; says so where they do not.
pub fn wanted(backend: Backend) -> bool {
    let wanted = backends().contains(&backend);
    if !wanted {
        println!("left out: {backend} is not in HMS_TEST_BACKENDS");
    }
    wanted
}

/// The PostgreSQL server of the tests: `HMS_TEST_POSTGRES_URL`, by default the one of `make services`.
pub fn postgres_server() -> DatabaseUrl {
    let url = setting("HMS_TEST_POSTGRES_URL", "postgres://hms:hms@127.0.0.1:55432/postgres");
    url.parse().unwrap_or_else(|error| panic!("HMS_TEST_POSTGRES_URL: {error}"))
}

fn setting(name: &str, default: &str) -> String {
    Settings::from_environment().get(name).unwrap_or_else(|| default.to_owned())
}

/// A migrated, empty database that is gone when the test is.
#[derive(Debug)]
pub struct TestDatabase {
    /// Where it is.
    pub url: DatabaseUrl,
    place: Place,
}

#[derive(Debug)]
enum Place {
    InFolder { _folder: Folder },
    OnServer { name: String },
}

impl TestDatabase {
    /// A database for a test of `service`.
    pub async fn new(backend: Backend, service: &str, migrations: &Migrations) -> Self {
        let template = Template {
            name: format!("hms_template_{service}_{}", migrations.fingerprint(backend).unwrap()),
            migrations: migrations.clone(),
        };
        let service = service.to_owned();
        // All of it blocks, and so on a thread that may: two tests of one process would wait for each other.
        let made = tokio::task::spawn_blocking(move || match backend {
            Backend::Sqlite => template.copy_file(&service),
            Backend::Postgres => template.copy_on_server(&service),
        });
        made.await.unwrap()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::OnServer { name } = &self.place {
            let gone = connect().batch_execute(&format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)"));
            if let Err(error) = gone {
                println!("the database {name} is left on the server: {error}");
            }
        }
    }
}

struct Template {
    name: String,
    migrations: Migrations,
}

impl Template {
    /// Processes that find no template each make one; the last to rename its own wins, and all are alike.
    fn copy_file(&self, service: &str) -> TestDatabase {
        let templates = std::env::temp_dir().join("hms-test-templates");
        let template = templates.join(format!("{}.db", self.name));
        if !template.exists() {
            let draft = templates.join(format!("{}.db", unique("draft")));
            self.migrate(DatabaseUrl::sqlite(&draft));
            std::fs::rename(&draft, &template).unwrap();
        }
        let folder = Folder::new();
        let file = folder.path().join(format!("{service}.db"));
        std::fs::copy(&template, &file).unwrap();
        TestDatabase { url: DatabaseUrl::sqlite(file), place: Place::InFolder { _folder: folder } }
    }

    /// The lock is that of the session: it ends with the connection.
    fn copy_on_server(&self, service: &str) -> TestDatabase {
        let mut server = connect();
        server.batch_execute(&format!("SELECT pg_advisory_lock({LOCK})")).unwrap();
        if !exists(&mut server, &self.name) {
            self.make_on_server(&mut server);
        }
        server.batch_execute(&format!("SELECT pg_advisory_unlock({LOCK})")).unwrap();
        let name = unique(&format!("hms_test_{service}"));
        server.batch_execute(&format!("CREATE DATABASE {name} TEMPLATE {}", self.name)).unwrap();
        TestDatabase { url: postgres_server().with_database(&name), place: Place::OnServer { name } }
    }

    /// Under another name until it is whole, since a process may be killed in between.
    fn make_on_server(&self, server: &mut PgConnection) {
        let draft = format!("{}_draft", self.name);
        server.batch_execute(&format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).unwrap();
        self.migrate(postgres_server().with_database(&draft));
        server.batch_execute(&format!("ALTER DATABASE {draft} RENAME TO {}", self.name)).unwrap();
    }

    fn migrate(&self, url: DatabaseUrl) {
        let database = Database::new(url, PoolOptions::default());
        tokio::runtime::Handle::current().block_on(database.migrate(&self.migrations)).unwrap();
    }
}

fn unique(prefix: &str) -> String {
    format!("{prefix}_{}", Id::<()>::new(Clock::system().now()).uuid().simple())
}

fn connect() -> PgConnection {
    let server = postgres_server();
    PgConnection::establish(&server.expose())
        .unwrap_or_else(|error| panic!("{server} does not answer: {error}"))
}

fn exists(server: &mut PgConnection, name: &str) -> bool {
    let query = diesel::select(
        diesel::dsl::sql::<Bool>("EXISTS (SELECT 1 FROM pg_database WHERE datname = ")
            .bind::<Text, _>(name)
            .sql(")"),
    );
    query.get_result(server).unwrap()
}

#[cfg(test)]
mod tests {
    use diesel_migrations::{EmbeddedMigrations, embed_migrations};
    use hms_db::{Db, Error};
    use tokio::task::JoinSet;

    use super::*;

    const PEOPLE: EmbeddedMigrations = embed_migrations!("../hms-db/tests/migrations/people");

    fn people() -> Migrations {
        Migrations::new().and(PEOPLE)
    }

    async fn count(database: &Database) -> Result<usize, Error> {
        database.read(|db: &mut Db| Ok(diesel::sql_query("SELECT 1 FROM customers").execute(db)?)).await
    }

    crate::on_both_back_ends! {
        async fn each_test_has_a_migrated_database_of_its_own(backend) {
            let mut tests = JoinSet::new();
            for _ in 0..4 {
                tests.spawn(async move { TestDatabase::new(backend, "testkit", &people()).await });
            }
            for own in tests.join_all().await {
                let database = Database::new(own.url.clone(), PoolOptions::default());
                assert_eq!(database.migrate(&people()).await.unwrap(), Vec::<String>::new());
                assert_eq!(count(&database).await.unwrap(), 0);
                let insert = "INSERT INTO customers (id, name) VALUES ('00000000-0000-7000-8000-000000000000', 'Ann')";
                database.write(move |db: &mut Db| Ok::<_, Error>(db.batch_execute(insert)?)).await.unwrap();
            }
        }

        async fn it_is_gone_with_the_test(backend) {
            let own = TestDatabase::new(backend, "testkit", &people()).await;
            let url = own.url.clone();
            let in_use = Database::new(url.clone(), PoolOptions::default());
            count(&in_use).await.unwrap();
            drop(own);
            let left = match url.file() {
                Some(file) => file.exists(),
                None => exists(&mut connect(), url.expose().rsplit('/').next().unwrap()),
            };
            assert!(!left, "{url} is left");
        }
    }
}
