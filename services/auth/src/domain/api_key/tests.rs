use hms_model::id::Id;
use hms_model::role::Role;

use super::*;
use crate::domain::account::{NewAccount, register};

fn now() -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000, 0).unwrap()
}

fn account(roles: &[Role]) -> Account {
    let new = NewAccount {
        email: "ann@example.org".parse().unwrap(),
        username: None,
        roles: roles.to_vec(),
        email_verified: true,
        patient_id: None,
        practitioner_id: None,
        language: None,
    };
    register(new, Id::new(now()), now()).unwrap()
}

fn manager(account: &Account) -> Manager {
    let scopes = account.roles.iter().flat_map(|role| role.scopes()).collect();
    Manager { account_id: account.id, scopes, is_program: false }
}

fn new(scopes: &[Scope]) -> NewApiKey {
    NewApiKey {
        name: "import".parse().unwrap(),
        scopes: scopes.to_vec(),
        department_id: None,
        expires_at: None,
    }
}

fn made(owner: &Account) -> ApiKey {
    make(new(&[Scope::PatientRead]), owner, &manager(owner), Id::new(now()), now()).unwrap()
}

#[test]
fn a_key_is_read_back_and_a_typo_is_seen() {
    let id = ApiKeyId::from_uuid(Uuid::from_u128(7));
    let secret = secret_of(&[61; 60]).unwrap();
    let key = write(id, &secret);
    assert_eq!(key, format!("hms_00000000000000000000000000000007_{}bbb11509", "z".repeat(43)));
    assert_eq!(read(&key), Ok(Presented { id, secret }));
    for at in 0..key.len() {
        let mut wrong = key.clone().into_bytes();
        wrong[at] = if wrong[at] == b'a' { b'b' } else { b'a' };
        assert_eq!(read(std::str::from_utf8(&wrong).unwrap()), Err(NotAKey), "{at}");
    }
    for text in [
        "",
        "hms_",
        "hms__",
        &key[1..],
        &key[..key.len() - 1],
        &format!("{key}0"),
        &format!(" {key}"),
        "ä".repeat(45).as_str(),
    ] {
        assert_eq!(read(text), Err(NotAKey), "{text}");
    }
    assert_eq!(read(&key.to_uppercase()), Err(NotAKey));
}

#[test]
fn a_secret_has_one_spelling_and_needs_enough_random_bytes() {
    assert_eq!(secret_of(&[248; 200]), None);
    assert_eq!(secret_of(&[0; 42]), None);
    assert_eq!(secret_of(&[62; 43]).unwrap().expose(), "0".repeat(43));
}

#[test]
fn nobody_gives_a_key_more_than_they_have() {
    let (nurse, admin, patient) =
        (account(&[Role::Nurse]), account(&[Role::Admin]), account(&[Role::Patient]));
    let cases = [
        (&nurse, &nurse, &[Scope::PatientRead, Scope::PatientWrite][..], Ok(2)),
        (&nurse, &nurse, &[Scope::PatientRead, Scope::PatientRead], Ok(1)),
        (&nurse, &nurse, &[Scope::AccountWrite], Err(Refusal::Beyond(vec![Scope::AccountWrite]))),
        (&nurse, &nurse, &[], Err(Refusal::NoScopes)),
        (&admin, &nurse, &[Scope::PatientRead], Ok(1)),
        (&admin, &nurse, &[Scope::AccountWrite], Err(Refusal::Beyond(vec![Scope::AccountWrite]))),
        (&admin, &patient, &[Scope::PatientRead], Ok(1)),
        (&nurse, &admin, &[Scope::PatientRead], Err(Refusal::ForAnother)),
    ];
    for (caller, owner, scopes, expected) in cases {
        let key = make(new(scopes), owner, &manager(caller), Id::new(now()), now());
        assert_eq!(
            key.map(|key| key.scopes.len()),
            expected,
            "{:?} for {:?}: {scopes:?}",
            caller.roles,
            owner.roles
        );
    }
    // A token that was narrowed gives no more than it has.
    let narrow = Manager { scopes: vec![Scope::ApiKeyWrite], ..manager(&nurse) };
    let refused = make(new(&[Scope::PatientRead]), &nurse, &narrow, Id::new(now()), now());
    assert_eq!(refused, Err(Refusal::Beyond(vec![Scope::PatientRead])));
    let program = Manager { is_program: true, ..manager(&admin) };
    assert_eq!(
        make(new(&[Scope::PatientRead]), &admin, &program, Id::new(now()), now()),
        Err(Refusal::Program)
    );
}

#[test]
fn departments_are_for_the_keys_of_staff() {
    let department = Some(Id::new(now()));
    for (role, expected) in [(Role::Nurse, Ok(())), (Role::Patient, Err(Refusal::NoDepartment))] {
        let owner = account(&[role]);
        let admin = manager(&account(&[Role::Admin]));
        let bound = NewApiKey { department_id: department, ..new(&[Scope::PatientRead]) };
        assert_eq!(make(bound, &owner, &admin, Id::new(now()), now()).map(|_| ()), expected, "{role}");
    }
}

#[test]
fn a_key_of_a_department_has_no_scope_of_the_whole() {
    let (admin, department) = (account(&[Role::Admin]), Some(Id::new(now())));
    let key = |scopes: &[Scope], department_id| {
        make(NewApiKey { department_id, ..new(scopes) }, &admin, &manager(&admin), Id::new(now()), now())
    };
    let wide = [Scope::PatientRead, Scope::AccountWrite, Scope::AuditRead];
    let refusal = Refusal::OfTheWhole(vec![Scope::AuditRead, Scope::AccountWrite]);
    assert_eq!(key(&wide, department), Err(refusal.clone()));
    let bound = key(&[Scope::PatientRead], department).unwrap();
    let changes = Changes { scopes: Some(wide.to_vec()), ..Changes::default() };
    assert_eq!(bound.change(changes, &admin, &manager(&admin), now()), Err(refusal));
    // One from before there was this rule.
    let old = ApiKey { department_id: department, ..key(&wide, None).unwrap() };
    assert_eq!(old.effective_scopes(&admin), [Scope::PatientRead]);
}

#[test]
fn a_key_ends_when_it_expires_or_is_revoked() {
    let owner = account(&[Role::Nurse]);
    let second = TimeDelta::seconds(1);
    let until = |at| NewApiKey { expires_at: Some(at), ..new(&[Scope::PatientRead]) };
    let refused = make(until(now()), &owner, &manager(&owner), Id::new(now()), now());
    assert_eq!(refused, Err(Refusal::Past));
    let key = make(until(now() + second), &owner, &manager(&owner), Id::new(now()), now()).unwrap();
    assert!(key.is_valid(now()) && !key.is_valid(now() + second));
    assert_eq!(key.token_lifetime(TimeDelta::minutes(5), now()), second);
    let open = made(&owner);
    assert!(open.is_valid(now() + TimeDelta::days(10_000)));
    let revoked = open.revoke(&manager(&owner), now()).unwrap().unwrap();
    assert!(!revoked.is_valid(now()));
    assert_eq!(revoked.revoke(&manager(&owner), now()), Ok(None));
    assert_eq!(revoked.rotate(now(), &manager(&owner), now()), Err(Refusal::Revoked));
    assert_eq!(revoked.change(Changes::default(), &owner, &manager(&owner), now()), Err(Refusal::Revoked));
}

#[test]
fn the_old_secret_outlives_a_rotation_for_as_long_as_is_said() {
    let owner = account(&[Role::Nurse]);
    let key = made(&owner);
    let day = TimeDelta::days(1);
    let cases = [
        (now() + day, Ok(Some(now() + day))),
        (now() + LONGEST_OVERLAP, Ok(Some(now() + LONGEST_OVERLAP))),
        (now(), Ok(None)),
        (now() - day, Ok(None)),
        (now() + LONGEST_OVERLAP + day, Err(Refusal::TooLong)),
    ];
    for (until, expected) in cases {
        let rotated = key.rotate(until, &manager(&owner), now());
        assert_eq!(rotated.map(|key| key.old_valid_until), expected, "{until}");
    }
    assert_eq!(key.rotate(now(), &manager(&account(&[Role::Nurse])), now()), Err(Refusal::ForAnother));
}

#[test]
fn a_key_allows_no_more_than_its_account_does_today() {
    let owner = account(&[Role::Receptionist]);
    let wide = make(
        new(&[Scope::PatientRead, Scope::AppointmentRecord]),
        &owner,
        &manager(&owner),
        Id::new(now()),
        now(),
    )
    .unwrap();
    assert_eq!(wide.effective_scopes(&owner), wide.scopes);
    assert_eq!(wide.effective_scopes(&account(&[Role::Nurse])), [Scope::PatientRead]);
}
