// The page: signs in, asks, shows.

import { draw, element } from "./charts.js";
import { giveCode, read, signIn, signOut } from "./session.js";
import * as words from "./words.js";

const find = (id) => document.getElementById(id);
const [notice, figures, filters] = [find("notice"), find("figures"), find("filters")];
let shown = { rows: [], front: null };
let turn = 0;

function tell(text) {
  notice.textContent = text;
  notice.hidden = text === "";
}

/** Does something that may be refused, with its button resting meanwhile. */
async function attempt(button, work) {
  tell("");
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    if (error.status === 401 && !figures.hidden) {
      await leave();
      tell("The session is over: sign in again.");
    } else {
      tell(error.message);
    }
  } finally {
    button.disabled = false;
  }
}

async function enter() {
  await load();
  find("sign-in").hidden = true;
  figures.hidden = false;
  find("sign-out").hidden = false;
  render();
  find("main").focus();
}

async function leave() {
  await signOut();
  shown = { rows: [], front: null };
  figures.hidden = true;
  find("sign-out").hidden = true;
  find("code-form").hidden = true;
  find("password-form").hidden = false;
  find("password-form").reset();
  find("sign-in").hidden = false;
  find("cards").replaceChildren();
  render();
  find("username").focus();
}

/** What the filters ask for, as the query of the API. */
function asked() {
  const query = new URLSearchParams();
  const own = find("range").value === "own";
  if (own) {
    if (find("from").value) query.set("from", find("from").value);
    if (find("to").value) query.set("to", find("to").value);
  } else if (shown.front) {
    query.set("from", before(shown.front.today.to, Number(find("range").value) - 1));
  }
  if (find("department").value) query.set("department_id", find("department").value);
  return query;
}

/** So many days before a day, by the calendar: no clock is asked. */
function before(day, days) {
  const at = new Date(`${day}T00:00:00Z`);
  at.setUTCDate(at.getUTCDate() - days);
  return at.toISOString().slice(0, 10);
}

/** False when something else was asked for meanwhile: what comes late must not stand below newer filters. */
async function load() {
  const own = ++turn;
  const department = find("department").value;
  const whose = department ? `?department_id=${encodeURIComponent(department)}` : "";
  const front = await read(`analytics/dashboard${whose}`);
  if (own !== turn) return false;
  shown = { ...shown, front };
  const report = await read(`analytics/${find("step").value}?${asked()}`);
  if (own !== turn) return false;
  shown = { rows: report.results, front };
  return true;
}

function render() {
  const { rows, front } = shown;
  if (!front) return draw(find("charts"), [], null);
  departments(front.departments);
  const currency = currencies([...rows, front.last_30_days]);
  cards(front, currency);
  find("as-of").textContent = `As of ${words.moment(front.at, front.zone)}, ${front.zone}, whose days these are.`;
  draw(find("charts"), rows, currency);
}

function departments(all) {
  const select = find("department");
  const chosen = select.value;
  const options = all.map(({ id, name }) => option(id, name));
  select.replaceChildren(option("", "all of them"), ...options);
  select.value = chosen;
}

/** The currency that is shown; null where no money is. */
function currencies(rows) {
  const found = [...new Set(rows.flatMap((row) => row.revenue ?? []).map((money) => money.currency))].sort();
  const select = find("currency");
  const chosen = found.includes(select.value) ? select.value : found[0];
  select.replaceChildren(...found.map((code) => option(code, code)));
  if (chosen) select.value = chosen;
  find("currency-choice").hidden = found.length < 2;
  return chosen ?? null;
}

function option(value, text) {
  const made = element("option", text);
  made.value = value;
  return made;
}

function cards(front, currency) {
  const net = (row) => row.revenue?.find((money) => money.currency === currency)?.net ?? 0;
  const all = [
    ["Appointments", (row) => words.count(row.appointments)],
    ["No-show rate", (row) => words.share(row.no_show_rate)],
    ["Wait: half waited no longer", (row) => words.minutes(row.waiting.p50_seconds)],
    ["Longest queue", (row) => words.count(row.queue.longest)],
    ["Utilisation", (row) => words.share(row.utilisation.rate)],
    ["Booked", (row) => words.hours(row.utilisation.booked_minutes)],
  ];
  if (front.today.new_patients !== null) all.push(["New patients", (row) => words.count(row.new_patients)]);
  if (currency) all.push([`Net revenue, ${currency}`, (row) => words.money(net(row), currency)]);
  find("cards").replaceChildren(...all.map(([title, say]) => card(title, say, front)));
}

function card(title, say, front) {
  const made = element("li");
  const now = element("p", say(front.today));
  now.className = "now";
  now.append(" ", element("small", "today"));
  const more = element("dl");
  more.append(element("dt", "this week"), element("dd", say(front.this_week)));
  more.append(element("dt", "last 30 days"), element("dd", say(front.last_30_days)));
  made.append(element("h3", title), now, more);
  return made;
}

async function download() {
  const table = await read(`analytics/${find("step").value}?${asked()}`, "text/csv");
  const link = element("a");
  link.href = URL.createObjectURL(table);
  link.download = `${find("step").value}.csv`;
  link.click();
  URL.revokeObjectURL(link.href);
}

function submit(form, work) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    attempt(form.querySelector("[type=submit]"), work);
  });
}

submit(find("password-form"), async () => {
  const done = await signIn(find("username").value, find("password").value);
  find("password").value = "";
  if (done) return enter();
  find("password-form").hidden = true;
  find("code-form").hidden = false;
  find("code").focus();
});
submit(find("code-form"), async () => {
  await giveCode(find("code").value.trim());
  find("code-form").reset();
  await enter();
});
submit(filters, async () => {
  if (await load()) render();
});
find("range").addEventListener("change", () => {
  const own = find("range").value === "own";
  for (const field of filters.querySelectorAll(".own")) field.hidden = !own;
  // From what is shown now it is a step to the span that is wanted.
  if (own && !find("from").value) find("from").value = shown.rows[0]?.from ?? "";
  if (own && !find("to").value) find("to").value = shown.front?.today.to ?? "";
});
for (const id of ["range", "step", "department"]) {
  find(id).addEventListener("change", () => {
    if (find("range").value !== "own") filters.requestSubmit();
  });
}
find("currency").addEventListener("change", render);
find("download").addEventListener("click", () => attempt(find("download"), download));
find("sign-out").addEventListener("click", () => attempt(find("sign-out"), leave));
find("theme").addEventListener("change", () => {
  document.documentElement.dataset.theme = find("theme").value;
  render();
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", render);
