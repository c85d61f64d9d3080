// The charts: each a picture, a sentence for those who do not see it, and its numbers as a table.

import * as words from "./words.js";

const STATUSES = [
  ["fulfilled", "took place", "--c2"], ["arrived", "arrived", "--c6"], ["booked", "booked", "--c1"],
  ["pending", "asked for", "--c5"], ["proposed", "offered", "--c8"], ["waitlist", "on the waitlist", "--c7"],
  ["cancelled", "cancelled", "--c3"], ["noshow", "did not come", "--c4"],
];

/** What is drawn, in order. `series` gives name, colour, the number of a row, and how it is said. */
const CHARTS = [
  {
    id: "appointments", title: "Appointments", about: "By how they stand now.", kind: "bar", stacked: true,
    series: () => STATUSES.map(([status, name, colour]) => ({
      name, colour, of: (row) => row.by_status[status] ?? 0, say: words.count,
    })),
  },
  {
    id: "no-shows", title: "No-show rate", about: "No-shows among those that were to come.", kind: "line", axis: words.share,
    series: () => [{ name: "no-shows", colour: "--c4", of: (row) => row.no_show_rate, say: words.share }],
  },
  {
    id: "waits", title: "Wait at the counter", about: "From the ticket to the call, in minutes.", kind: "line", axis: words.mean,
    series: () => [
      wait("half waited no longer", "--c1", (row) => row.waiting.p50_seconds),
      wait("nine of ten waited no longer", "--c3", (row) => row.waiting.p90_seconds),
      wait("mean", "--c7", (row) => row.waiting.mean_seconds),
    ],
  },
  {
    id: "queue", title: "Queue", about: "How many waited at the same time.", kind: "line", axis: words.mean,
    series: () => [
      { name: "longest", colour: "--c5", of: (row) => row.queue.longest, say: words.count },
      { name: "mean", colour: "--c6", of: (row) => row.queue.mean, say: words.mean },
    ],
  },
  {
    id: "utilisation", title: "Utilisation", about: "Booked over open minutes, of practitioners who had a schedule.", kind: "line", axis: words.share,
    series: () => [{ name: "utilisation", colour: "--c2", of: (row) => row.utilisation.rate, say: words.share }],
  },
  {
    id: "revenue", title: "Revenue", about: "Invoices less credit notes, and payments less refunds.", kind: "bar", money: true,
    series: (currency) => [
      cash("invoiced", "--c1", currency, (money) => money.net),
      cash("collected", "--c2", currency, (money) => money.collected - money.refunded),
    ],
  },
];

function wait(name, colour, of) {
  return { name, colour, of, plot: (seconds) => seconds / 60, say: words.minutes };
}

function cash(name, colour, currency, of) {
  const found = (row) => row.revenue?.find((money) => money.currency === currency);
  return {
    name, colour, plot: (amount) => words.major(amount, currency), say: (amount) => words.money(amount, currency),
    of: (row) => (found(row) ? of(found(row)) : 0),
  };
}

const drawn = new Map();

/** Draws all charts of these rows into `place`. */
export function draw(place, rows, currency) {
  const styles = getComputedStyle(document.documentElement);
  const colour = (name) => styles.getPropertyValue(name).trim();
  // All frames stand before the first picture is drawn: their number says how wide each is.
  for (const chart of CHARTS) {
    const figure = drawn.get(chart.id) ?? frame(place, chart);
    figure.picture?.destroy();
    figure.picture = null;
    figure.box.hidden = chart.money && currency === null;
  }
  for (const chart of CHARTS) {
    const figure = drawn.get(chart.id);
    if (figure.box.hidden) continue;
    const series = chart.series(currency);
    const used = series.filter((one) => rows.some((row) => one.of(row)));
    const told = used.length > 0 ? used : series.slice(0, 1);
    table(figure.table, rows, told);
    figure.canvas.setAttribute("aria-label", sentence(chart, rows, told));
    const empty = !rows.some((row) => told.some((one) => plotted(one, row) !== null));
    figure.holder.classList.toggle("empty", empty);
    figure.nothing.hidden = !empty;
    if (!empty) figure.picture = new window.Chart(figure.canvas, picture(chart, rows, told, colour, currency));
  }
}

function frame(place, chart) {
  const box = element("figure");
  const caption = element("figcaption", chart.title);
  caption.id = `chart-${chart.id}`;
  box.setAttribute("aria-labelledby", caption.id);
  const holder = element("div");
  holder.className = "canvas";
  const canvas = element("canvas");
  canvas.setAttribute("role", "img");
  const nothing = element("p", "Nothing was counted in this span.");
  nothing.hidden = true;
  holder.append(canvas, nothing);
  const numbers = element("details");
  const scroll = element("div");
  scroll.className = "scroll";
  scroll.tabIndex = 0;
  scroll.setAttribute("role", "region");
  scroll.setAttribute("aria-label", `${chart.title}: the numbers`);
  const body = element("table");
  scroll.append(body);
  numbers.append(element("summary", "As a table"), scroll);
  box.append(caption, element("p", chart.about), holder, numbers);
  place.append(box);
  const figure = { box, holder, canvas, nothing, table: body, picture: null };
  drawn.set(chart.id, figure);
  return figure;
}

function picture(chart, rows, series, colour, currency) {
  const axis = chart.money ? words.short(currency) : chart.axis;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
  const ticks = { color: colour("--quiet"), maxRotation: 0, autoSkipPadding: 16 };
  const grid = { color: colour("--line") };
  return {
    type: chart.kind,
    data: {
      labels: rows.map(name),
      datasets: series.map((one) => ({
        label: one.name,
        data: rows.map((row) => plotted(one, row)),
        backgroundColor: colour(one.colour),
        borderColor: colour(one.colour),
        borderWidth: chart.kind === "line" ? 2 : 0,
        pointRadius: rows.length > 60 ? 0 : 2,
        spanGaps: false,
      })),
    },
    options: {
      responsive: true,
      maintainAspectRatio: false,
      animation: still ? false : { duration: 200 },
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { stacked: chart.stacked ?? false, ticks, grid: { display: false } },
        y: {
          stacked: chart.stacked ?? false, beginAtZero: true, grid,
          ticks: { ...ticks, precision: axis ? undefined : 0, callback: axis },
        },
      },
      plugins: {
        legend: { display: series.length > 1, position: "bottom", labels: { color: colour("--text"), boxWidth: 12 } },
        tooltip: { callbacks: { label: (item) => said(series[item.datasetIndex], rows[item.dataIndex]) } },
      },
    },
  };
}

const plotted = (one, row) => {
  const value = one.of(row);
  return value === null || value === undefined ? null : (one.plot ?? Number)(value);
};
const said = (one, row) => `${one.name}: ${one.say(one.of(row))}`;
const name = (row) => row.week ?? row.from;

/** The last row in words: what somebody who sees the picture looks at first. */
function sentence(chart, rows, series) {
  const last = rows.at(-1);
  if (!last) return `${chart.title}: nothing to show.`;
  const span = `${name(rows[0])} to ${name(last)}`;
  return `${chart.title}, ${span}. ${name(last)}: ${series.map((one) => said(one, last)).join(", ")}. The numbers are in the table below.`;
}

function table(place, rows, series) {
  const head = element("tr");
  head.append(column("period"), ...series.map((one) => column(one.name)));
  const top = element("thead");
  top.append(head);
  const body = element("tbody");
  for (const row of rows) {
    const line = element("tr");
    const first = element("th", name(row));
    first.scope = "row";
    line.append(first, ...series.map((one) => element("td", one.say(one.of(row)))));
    body.append(line);
  }
  place.replaceChildren(top, body);
}

function column(text) {
  const cell = element("th", text);
  cell.scope = "col";
  return cell;
}

/** Names come from outside: they are text, never markup. */
export function element(kind, text) {
  const made = document.createElement(kind);
  if (text !== undefined) made.textContent = text;
  return made;
}
