"""Makes the tables of main.py and fills them: PATIENTS (10,000), PROVIDERS (1,000), two appointments a patient, one user."""
import asyncio
import os

from main import Base, engine, hasher
from sqlalchemy import text

PATIENTS = int(os.environ.get("PATIENTS", "10000"))
PROVIDERS = int(os.environ.get("PROVIDERS", "1000"))

# Ids are numbers in the dress of UUIDs, so that who asks knows them without a list.
STATEMENTS = [
    "insert into users (id, username, password_hash, role) values (1, 'doctor', :password, 'doctor')",
    """insert into providers
       select i, 'Dr Provider ' || i, (array['cardiology', 'general', 'ent', 'ortho'])[1 + i % 4]
       from generate_series(1, :providers) i""",
    """insert into patients (id, mrn, first_name, last_name, date_of_birth, gender, phone, email, address, blood_group)
       select lpad(i::text, 32, '0')::uuid, 'MRN' || lpad(i::text, 7, '0'),
         (array['Asha', 'Ravi', 'Maria', 'John', 'Chen', 'Fatima', 'Olga', 'Pedro', 'Aiko', 'Kwame', 'Lena', 'Omar',
                'Priya', 'Sven', 'Tara', 'Umar', 'Vera', 'Wei', 'Ximena', 'Yusuf'])[1 + i % 20],
         (array['Nair', 'Menon', 'Silva', 'Smith', 'Wang', 'Khan', 'Ivanova', 'Garcia', 'Tanaka', 'Mensah', 'Schmidt',
                'Haddad', 'Sharma', 'Larsson', 'Pillai', 'Farooq', 'Novak', 'Zhang', 'Lopez', 'Demir'])[1 + (i / 20) % 20]
           || chr(97 + (i * 7) % 26) || chr(97 + (i * 11) % 26),
         date '1940-01-01' + (i * 13) % 30000, (array['male', 'female'])[1 + i % 2],
         '+9198' || lpad((i::bigint * 7919 % 100000000)::text, 8, '0'), 'patient' || i || '@example.org',
         i || ' Example Street, Kochi 682001', (array['A+', 'B+', 'O+', 'AB+'])[1 + i % 4]
       from generate_series(1, :patients) i""",
    """insert into appointments (id, patient_id, provider_id, starts_at, ends_at, status, reason)
       select md5('a' || i)::uuid, lpad((1 + i % :patients)::text, 32, '0')::uuid, 1 + i % :providers,
         timestamptz '2026-01-01 08:00Z' + (i / :providers) * interval '1 day',
         timestamptz '2026-01-01 08:30Z' + (i / :providers) * interval '1 day', 'booked', 'seed'
       from generate_series(0, 2 * :patients - 1) i""",
    "analyze",
]


async def main():
    values = {"password": hasher.hash("secret-password-1"), "patients": PATIENTS, "providers": PROVIDERS}
    async with engine.begin() as connection:
        await connection.run_sync(Base.metadata.create_all)
        for statement in STATEMENTS:
            # A colon that belongs to the statement is not the name of a value.
            sql = text(statement.replace("::", r"\:\:").replace("08:00Z", r"08\:00Z").replace("08:30Z", r"08\:30Z"))
            names = set(sql.compile().params)
            await connection.execute(sql, {name: values[name] for name in names})
    await engine.dispose()


asyncio.run(main())
