// Who is signed in. The tokens live in this module and nowhere else: no storage, no cookie, no address.

let tokens = null;
let challenge = null;

/** Something that the API has refused, in its own words. */
export class Refused extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? `The server has answered ${status}.`);
    this.status = status;
    this.code = body?.error?.code ?? "";
  }
}

async function send(path, { method = "GET", body, token, accept = "application/json" } = {}) {
  const headers = { accept };
  if (token) headers.authorization = `Bearer ${token}`;
  if (body) headers["content-type"] = "application/json";
  let answer;
  try {
    answer = await fetch(`/api/v1/${path}`, {
      method, headers, body: body && JSON.stringify(body), credentials: "omit", cache: "no-store",
    });
  } catch {
    throw new Refused(0, { error: { message: "The server cannot be reached." } });
  }
  if (!answer.ok) throw new Refused(answer.status, await answer.json().catch(() => null));
  return accept === "application/json" ? answer.json() : answer.blob();
}

/** Signs in; true when it is done, false when a code is wanted. */
export async function signIn(username, password) {
  return took(await send("auth/login", { method: "POST", body: { username, password } }));
}

/** The second step of a sign-in. */
export async function giveCode(code) {
  return took(await send("auth/login/mfa", { method: "POST", body: { challenge, code } }));
}

function took(answer) {
  challenge = answer.mfa_required ? answer.challenge : null;
  if (challenge) return false;
  tokens = { access: answer.access, refresh: answer.refresh };
  return true;
}

/** Ends the session, at the server too where it can be reached. */
export async function signOut() {
  const old = tokens;
  tokens = null;
  challenge = null;
  if (old) await send("auth/logout", { method: "POST", body: { refresh: old.refresh } }).catch(() => {});
}

/** Reads from the API; the token is renewed once when it has expired. */
export async function read(path, accept) {
  if (!tokens) throw new Refused(401, null);
  try {
    return await send(path, { token: tokens.access, accept });
  } catch (error) {
    if (error.status !== 401 || !tokens) throw error;
  }
  const renewed = await send("auth/refresh", { method: "POST", body: { refresh: tokens.refresh } });
  tokens = { access: renewed.access, refresh: renewed.refresh };
  return send(path, { token: tokens.access, accept });
}
