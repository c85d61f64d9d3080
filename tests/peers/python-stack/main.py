"""A small hospital API as most projects would write it: FastAPI, SQLAlchemy 2 async, asyncpg, PyJWT, Argon2id.

It is measured beside HMS by `make bench-peers`, with uvicorn, two workers, behind nginx. DATABASE_URL says where it keeps its rows.
"""
import os
import uuid
from datetime import date, datetime, timedelta, timezone
from typing import Annotated

import jwt
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from fastapi import Depends, FastAPI, HTTPException, Query, status
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, ConfigDict, Field, model_validator
from sqlalchemy import BigInteger, DateTime, ForeignKey, Index, String, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

SECRET = os.environ.get("JWT_SECRET", "peers-bench-secret-peers-bench-secret-1234")
DSN = os.environ.get("DATABASE_URL", "postgresql+asyncpg://postgres@127.0.0.1:5432/fa")
PAGE = 25

engine = create_async_engine(DSN, pool_size=16, max_overflow=0, pool_timeout=60)
Session = async_sessionmaker(engine, expire_on_commit=False)
hasher = PasswordHasher()  # argon2id, library defaults (t=3, m=64 MiB, p=4)


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "users"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    username: Mapped[str] = mapped_column(String(64), unique=True)
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(32))


class Patient(Base):
    __tablename__ = "patients"
    id: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True), primary_key=True, default=uuid.uuid4)
    mrn: Mapped[str] = mapped_column(String(32), unique=True)
    first_name: Mapped[str] = mapped_column(String(80))
    last_name: Mapped[str] = mapped_column(String(80), index=True)
    date_of_birth: Mapped[date]
    gender: Mapped[str] = mapped_column(String(16))
    phone: Mapped[str] = mapped_column(String(32))
    email: Mapped[str | None] = mapped_column(String(255))
    address: Mapped[str | None] = mapped_column(String(500))
    blood_group: Mapped[str | None] = mapped_column(String(4))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


class Provider(Base):
    __tablename__ = "providers"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    name: Mapped[str] = mapped_column(String(120))
    specialty: Mapped[str] = mapped_column(String(80))


class Appointment(Base):
    __tablename__ = "appointments"
    id: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True), primary_key=True, default=uuid.uuid4)
    patient_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("patients.id"), index=True)
    provider_id: Mapped[int] = mapped_column(ForeignKey("providers.id"))
    starts_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ends_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    status: Mapped[str] = mapped_column(String(16), default="booked")
    reason: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    __table_args__ = (Index("ix_appt_provider_start", "provider_id", "starts_at"),)


class Outbox(Base):
    __tablename__ = "outbox"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    topic: Mapped[str] = mapped_column(String(80))
    aggregate_id: Mapped[uuid.UUID] = mapped_column(UUID(as_uuid=True))
    payload: Mapped[dict] = mapped_column(JSONB)
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    published_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class LoginIn(BaseModel):
    username: str
    password: str


class TokenOut(BaseModel):
    access_token: str
    token_type: str = "bearer"
    expires_in: int


class PatientIn(BaseModel):
    mrn: str = Field(min_length=1, max_length=32)
    first_name: str = Field(min_length=1, max_length=80)
    last_name: str = Field(min_length=1, max_length=80)
    date_of_birth: date
    gender: str = Field(pattern="^(male|female|other|unknown)$")
    phone: str = Field(pattern=r"^\+?[0-9]{7,15}$")
    email: str | None = Field(default=None, max_length=255)
    address: str | None = Field(default=None, max_length=500)
    blood_group: str | None = Field(default=None, max_length=4)


class PatientOut(Out, PatientIn):
    id: uuid.UUID
    created_at: datetime
    updated_at: datetime


class PatientPage(BaseModel):
    count: int
    page: int
    page_size: int
    results: list[PatientOut]


class AppointmentIn(BaseModel):
    patient_id: uuid.UUID
    provider_id: int
    starts_at: datetime
    ends_at: datetime
    reason: str | None = Field(default=None, max_length=500)

    @model_validator(mode="after")
    def check(self):
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")
        return self


class AppointmentOut(Out):
    id: uuid.UUID
    patient_id: uuid.UUID
    provider_id: int
    starts_at: datetime
    ends_at: datetime
    status: str
    reason: str | None
    created_at: datetime


app = FastAPI(title="a small hospital")
bearer = HTTPBearer()


async def db():
    async with Session() as s:
        yield s


Db = Annotated[AsyncSession, Depends(db)]


async def current_user(cred: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> dict:
    try:
        return jwt.decode(cred.credentials, SECRET, algorithms=["HS256"],
                          options={"require": ["exp", "sub"]})
    except jwt.PyJWTError:
        raise HTTPException(status.HTTP_401_UNAUTHORIZED, "invalid token") from None


Auth = Annotated[dict, Depends(current_user)]


@app.get("/health")
async def health(s: Db):
    await s.execute(select(1))
    return {"status": "ok"}


@app.post("/auth/login", response_model=TokenOut)
async def login(body: LoginIn, s: Db):
    u = (await s.execute(select(User.id, User.role, User.password_hash)
                         .where(User.username == body.username))).one_or_none()
    await s.close()  # give the connection back before the slow hash
    if u is None:
        raise HTTPException(401, "bad credentials")
    try:
        await run_in_threadpool(hasher.verify, u.password_hash, body.password)
    except VerifyMismatchError:
        raise HTTPException(401, "bad credentials") from None
    now = datetime.now(timezone.utc)
    tok = jwt.encode({"sub": str(u.id), "role": u.role, "iat": now, "exp": now + timedelta(hours=12)},
                     SECRET, algorithm="HS256")
    return TokenOut(access_token=tok, expires_in=43200)


@app.post("/patients", response_model=PatientOut, status_code=201)
async def create_patient(body: PatientIn, user: Auth, s: Db):
    p = Patient(**body.model_dump())
    s.add(p)
    await s.flush()
    s.add(Outbox(topic="patient.created", aggregate_id=p.id, payload={"id": str(p.id), "by": user["sub"]}))
    await s.commit()
    return p


@app.get("/patients", response_model=PatientPage)
async def list_patients(user: Auth, s: Db, page: Annotated[int, Query(ge=1)] = 1, search: str | None = None):
    q = select(Patient)
    if search:
        like = f"%{search}%"
        q = q.where(or_(Patient.first_name.ilike(like), Patient.last_name.ilike(like), Patient.mrn.ilike(like)))
    count = await s.scalar(select(func.count()).select_from(q.subquery()))
    rows = await s.scalars(q.order_by(Patient.last_name, Patient.id).limit(PAGE).offset((page - 1) * PAGE))
    return {"count": count, "page": page, "page_size": PAGE, "results": rows.all()}


@app.get("/patients/{pid}", response_model=PatientOut)
async def get_patient(pid: uuid.UUID, user: Auth, s: Db):
    p = await s.get(Patient, pid)
    if p is None:
        raise HTTPException(404, "no such patient")
    return p


@app.post("/appointments", response_model=AppointmentOut, status_code=201)
async def book(body: AppointmentIn, user: Auth, s: Db):
    # serialise bookings of one provider, then look for an overlap
    prov = await s.scalar(select(Provider.id).where(Provider.id == body.provider_id).with_for_update())
    if prov is None:
        raise HTTPException(404, "no such provider")
    clash = await s.scalar(
        select(Appointment.id).where(Appointment.provider_id == body.provider_id, Appointment.status == "booked",
                                     Appointment.starts_at < body.ends_at, Appointment.ends_at > body.starts_at,
                                     Appointment.starts_at > body.starts_at - timedelta(hours=12)).limit(1))
    if clash is not None:
        raise HTTPException(409, "provider is not free")
    a = Appointment(**body.model_dump())
    s.add(a)
    await s.flush()
    s.add(Outbox(topic="appointment.booked", aggregate_id=a.id,
                 payload={"id": str(a.id), "patient_id": str(a.patient_id), "provider_id": a.provider_id,
                          "starts_at": a.starts_at.isoformat(), "by": user["sub"]}))
    await s.commit()
    return a


@app.get("/appointments/{aid}", response_model=AppointmentOut)
async def get_appointment(aid: uuid.UUID, user: Auth, s: Db):
    a = await s.get(Appointment, aid)
    if a is None:
        raise HTTPException(404, "no such appointment")
    return a
