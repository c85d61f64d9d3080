// Signs in, looks, changes the filters, uses the keyboard; says as JSON what it saw.

const { chromium } = require("playwright-core");

const [gateway, screenshots] = process.argv.slice(2);
const { CHROMIUM, HMS_USERNAME, HMS_PASSWORD } = process.env;

async function main() {
  // Some ports, such as 10080, browsers take for those of old protocols.
  const args = ["--no-sandbox", "--disable-gpu", `--explicitly-allowed-ports=${new URL(gateway).port}`];
  const browser = await chromium.launch({ executablePath: CHROMIUM, args });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, colorScheme: "light" });
  const page = await context.newPage();
  const seen = { complaints: [], elsewhere: [] };
  page.on("console", (message) => {
    // A refused sign-in is told by the browser as well.
    if (message.type() === "error" && !message.text().includes("401")) seen.complaints.push(message.text());
  });
  page.on("pageerror", (error) => seen.complaints.push(String(error)));
  page.on("dialog", (dialog) => {
    seen.complaints.push(`dialog: ${dialog.message()}`);
    dialog.dismiss();
  });
  page.on("request", (request) => {
    const { origin, protocol } = new URL(request.url());
    if (origin !== new URL(gateway).origin && protocol.startsWith("http")) seen.elsewhere.push(request.url());
  });
  const shot = (name) => (screenshots ? page.screenshot({ path: `${screenshots}/${name}.png`, fullPage: true }) : null);

  await page.goto(`${gateway}/console`);
  seen.address = new URL(page.url()).pathname;
  seen.title = await page.title();
  await shot("sign-in");
  await page.fill("#username", HMS_USERNAME);
  await page.fill("#password", "not the password");
  await page.click("#password-form button");
  await page.waitForSelector("#notice:not([hidden])");
  seen.refused = await page.textContent("#notice");

  // By the keyboard alone.
  await page.fill("#password", HMS_PASSWORD);
  await page.focus("#password");
  await page.keyboard.press("Enter");
  await page.waitForSelector("#figures:not([hidden])");
  seen.notice = await page.isVisible("#notice");
  seen.cards = await page.$$eval("#cards li", (cards) =>
    cards.map((card) => [card.querySelector("h3").textContent, card.querySelector(".now").firstChild.textContent]));
  seen.charts = await page.$$eval("figure", (figures) =>
    figures.filter((figure) => !figure.hidden).map((figure) => figure.querySelector("figcaption").textContent));
  seen.sentence = await page.getAttribute("figure canvas", "aria-label");
  seen.days = await page.$$eval("figure:first-of-type tbody tr", (rows) => rows.length);
  seen.departments = await page.$$eval("#department option", (options) => options.map((option) => option.textContent));
  seen.drawn = await page.$$eval("figure:not([hidden]) .canvas:not(.empty) canvas", (canvases) => canvases.every((canvas) => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    return pixels.some((value) => value !== 0);
  }));
  seen.empty = await page.$$eval("figure:has(.canvas.empty)", (figures) =>
    figures.map((figure) => [figure.querySelector("figcaption").textContent, figure.querySelector(".canvas").innerText.trim()]));
  await shot("light");

  await page.selectOption("#range", "7");
  await page.waitForFunction(() => document.querySelectorAll("figure:first-of-type tbody tr").length === 7);
  await page.selectOption("#step", "weekly");
  await page.waitForFunction(() => /^\d{4}-W\d{2}$/.test(document.querySelector("figure tbody th").textContent));
  const options = await page.$$("#department option");
  await page.selectOption("#department", await options[1].getAttribute("value"));
  await page.waitForFunction(() => !document.querySelector("#cards").textContent.includes("New patients"));
  const download = page.waitForEvent("download");
  await page.click("#download");
  seen.file = (await download).suggestedFilename();

  const background = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  seen.light = await background();
  await page.selectOption("#theme", "dark");
  seen.dark = await background();
  await page.selectOption("#department", "");
  await page.selectOption("#step", "daily");
  // Who changes his mind sees what he asked for last, also when the answer before comes after it.
  const held = new Promise((hold) => page.route("**/analytics/daily?*", hold, { times: 1 }));
  await page.selectOption("#range", "365");
  const route = await held;
  await page.selectOption("#range", "90");
  await page.waitForFunction(() => document.querySelectorAll("figure:first-of-type tbody tr").length === 90);
  const late = page.waitForResponse((response) => response.request() === route.request());
  await route.continue();
  await (await late).finished();
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  seen.last = await page.$$eval("figure:first-of-type tbody tr", (rows) => rows.length);
  await shot("dark");
  seen.kept = await page.evaluate(() => [localStorage.length, sessionStorage.length, document.cookie]);

  // A span of one's own begins as the one that is shown.
  await page.selectOption("#range", "own");
  seen.own = await page.evaluate(() => (Date.parse(document.querySelector("#to").value) - Date.parse(document.querySelector("#from").value)) / 86_400_000);
  await page.setViewportSize({ width: 400, height: 800 });
  seen.tooWide = await tooWide(page);
  await page.setViewportSize({ width: 1280, height: 900 });

  await page.click("#sign-out");
  await page.waitForSelector("#sign-in:not([hidden])");
  seen.afterwards = await page.evaluate(() => [document.querySelector("#figures").hidden, document.activeElement.id]);
  await page.setViewportSize({ width: 400, height: 800 });
  seen.tooWide.push(...(await tooWide(page)));
  await shot("narrow");
  await browser.close();
  process.stdout.write(JSON.stringify(seen));
}

/** What does not fit into the window. Charts follow its size in the next frames. */
async function tooWide(page) {
  const fits = () => document.documentElement.scrollWidth <= window.innerWidth;
  if (await page.waitForFunction(fits, null, { timeout: 10_000 }).then(() => true, () => false)) return [];
  return page.$$eval("body *", (all) => all
    .filter((one) => one.getBoundingClientRect().right > window.innerWidth)
    .map((one) => `${one.localName}#${one.id}.${one.className}: ${one.getBoundingClientRect().right}`));
}

main().catch((error) => {
  process.stderr.write(`${error.stack}\n`);
  process.exit(1);
});
