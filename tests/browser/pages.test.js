// What every page owes its readers.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { pages, refusals } from "./pages.js";
import { accessible, api, base, launch, reflows, signedIn } from "./support.js";

let browser;
let all;

before(async () => {
  browser = await launch();
  all = await pages();
});
after(() => browser?.close());

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with scripts" : "without scripts";
  test(`every page is accessible and complete ${how}`, async () => {
    // axe itself is a script: without scripts, what is asked is that the page is all there.
    const { context, page } = await signedIn(browser, "commissioner", { javaScriptEnabled });
    const faults = [];
    page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
    page.on("pageerror", (error) => faults.push(String(error)));
    for (const [name, path, status = 200] of all) {
      const answer = await page.goto(path);
      assert.equal(answer.status(), status, name);
      assert.equal(await page.locator("h1").count(), 1, `${name} has one heading`);
      assert.match(await page.title(), / – One Stop Shop$/, name);
      if (javaScriptEnabled) await accessible(page, name);
    }
    // The one for the page that is not there.
    const unexpected = faults.filter((text) => !text.includes("404"));
    assert.deepEqual(unexpected, [], "the policy on scripts and styles stops nothing of ours");
    await context.close();
  });
}

test("no page scrolls sideways at 320 pixels, and each is accessible there too", async () => {
  const { context, page } = await signedIn(browser, "commissioner", {
    viewport: { width: 320, height: 640 },
  });
  for (const [name, path] of all) {
    await page.goto(path);
    await reflows(page, name);
    await accessible(page, `${name} at 320 pixels`);
  }
  await context.close();
});

test("what a page refuses it says accessibly, and leads to the field, at 320 pixels", async () => {
  // So that there is a colleague to hand over to.
  const colleague = await signedIn(browser, "manager");
  await colleague.context.close();
  const { context, page } = await signedIn(browser, "commissioner", {
    viewport: { width: 320, height: 640 },
  });
  const refused = async (name) => {
    assert.match(await page.title(), /^Error: /, name);
    await reflows(page, `${name}, refused`);
    await accessible(page, `${name}, refused`);
    for (const link of await page.getByRole("alert").getByRole("link").all()) {
      const id = (await link.getAttribute("href")).slice(1);
      assert.equal(await page.locator(`[id="${id}"]`).count(), 1, `${name} leads to ${id}`);
    }
  };
  for (const [name, path, fields, button] of await refusals()) {
    await page.goto(typeof path === "function" ? await path(page) : path);
    await page.locator("main details").evaluateAll((all) => all.forEach((it) => (it.open = true)));
    for (const [label, value] of Object.entries(fields)) {
      const field = page.getByLabel(label, { exact: true }).first();
      const isChoice = await field.evaluate((it) => it.tagName === "SELECT");
      await (isChoice ? field.selectOption(value) : field.fill(value));
    }
    const press = page.getByRole("button", { name: button, exact: true }).click();
    const isForm = (it) => it.request().method() === "POST" && it.request().isNavigationRequest();
    const [answer] = await Promise.all([page.waitForResponse(isForm), press]);
    assert.ok([409, 422].includes(answer.status()), `${name} is refused: ${answer.status()}`);
    await page.waitForLoadState();
    await refused(name);
  }
  await context.clearCookies();
  await page.goto("/sign-in");
  await page.getByLabel("User name").fill("nobody");
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("alert").waitFor();
  await refused("signing in");
  await context.close();
});

test("every page is small, and has the headers that keep it safe", async () => {
  const { context, page } = await signedIn(browser, "commissioner");
  for (const [name, path] of all) {
    const answer = await page.goto(path);
    const headers = answer.headers();
    assert.match(headers["content-security-policy"], /default-src 'none'; script-src 'self'; style-src 'self'/, name);
    assert.doesNotMatch(headers["content-security-policy"], /unsafe/, name);
    assert.equal(headers["cache-control"], "no-store", name);
    assert.equal(headers["x-content-type-options"], "nosniff", name);
    assert.equal(headers["referrer-policy"], "no-referrer", name);
    assert.ok(headers["permissions-policy"], name);
    const body = await answer.text();
    assert.ok(gzipSync(body).length < 40 * 1024, `${name}: ${gzipSync(body).length} bytes`);
    assert.doesNotMatch(body, /\sstyle=|<style|<script(?! src)|\son[a-z]+=/, name);
  }
  await context.close();
});

test("nothing of GOV.UK's brand is used, and nothing is loaded from elsewhere", async () => {
  const { context, page } = await signedIn(browser, "commissioner");
  const loaded = new Set();
  page.on("request", (request) => loaded.add(request.url()));
  await page.goto("/");
  await page.waitForLoadState("networkidle");
  assert.ok([...loaded].some((url) => url.endsWith(".css")), "assets were built");
  let size = 0;
  for (const url of loaded) {
    assert.ok(url.startsWith(base), url);
    const answer = await context.request.get(url);
    const body = await answer.body();
    size += gzipSync(body).length;
    assert.doesNotMatch(body.toString(), /GDS Transport|crown|crest/i, url);
    if (url.includes("/assets/")) assert.match(answer.headers()["cache-control"], /immutable/);
  }
  assert.ok(size < 200 * 1024, `the first page loads ${size} bytes`);
  await context.close();
});

test("the header is the council's own, in words only", async () => {
  const { context, page } = await signedIn(browser, "commissioner");
  await page.goto("/about");
  const header = page.locator("header");
  assert.equal(await header.locator("svg, img").count(), 0);
  const words = (await header.innerText()).split("\n").map((line) => line.trim()).filter(Boolean);
  const name = words[1];
  assert.deepEqual(words.slice(0, 3), ["One Stop Shop", name, "Sign out"]);
  assert.match(words.at(-1), /The service proposes; a person decides\.$/);
  await context.close();
});

test("by keyboard alone, from the queue to an option and why it is there", async () => {
  const { context, page } = await signedIn(browser, "commissioner");
  await page.goto("/?state=ranked");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to main content");
  await page.keyboard.press("Enter");
  const tabTo = async (is) => {
    for (let tries = 0; tries < 200; tries += 1) {
      await page.keyboard.press("Tab");
      const [text, shown] = await page.evaluate(() => {
        const box = document.activeElement.getBoundingClientRect();
        return [document.activeElement.textContent.trim(), box.width > 0];
      });
      assert.ok(shown, `the focus shows on ${text}`);
      if (is(text)) return;
    }
    assert.fail("the link cannot be reached");
  };
  await tabTo((text) => /^R\d+$/.test(text));
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/referrals\/R\d+$/);
  await tabTo((text) => text === "Options");
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/options$/);
  const [first] = await page.locator("tbody th a").allTextContents();
  await tabTo((text) => text === first);
  await page.keyboard.press("Enter");
  await page.waitForURL(/\/options\/.+/);
  assert.ok(await page.getByRole("heading", { name: /^Why it is option/ }).isVisible());
  await context.close();
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with scripts" : "without scripts";
  test(`a referral is taken by one person only, ${how}`, async () => {
    const one = await signedIn(browser, "commissioner", { javaScriptEnabled });
    const other = await signedIn(browser, "manager", { javaScriptEnabled });
    const take = (page) => page.getByRole("button", { name: /^Take referral/ }).first();
    await one.page.goto("/");
    await other.page.goto("/");
    await take(one.page).click();
    await one.page.waitForURL("/");
    assert.ok((await one.page.locator("tbody").textContent()).includes("You"));
    // The other's page is stale: they are told, and nothing changes hands.
    await take(other.page).click();
    await other.page.getByRole("alert").getByText(/ has referral \S+ now\.$/).waitFor();
    await other.page.getByRole("button", { name: /^Take over from / }).waitFor();
    if (javaScriptEnabled) await accessible(other.page, "a referral that was taken meanwhile");
    await one.page.goto("/?whose=mine");
    await one.page.locator("tbody th a").first().click();
    await one.page.getByRole("button", { name: "Give back" }).click();
    await one.page.getByRole("button", { name: "Take this referral" }).waitFor();
    await one.context.close();
    await other.context.close();
  });
}

test("the list never moves by itself: news is told in a status", async () => {
  const { context, page } = await signedIn(browser, "commissioner");
  await page.route("**/updates?**", (route) => route.fulfill({ json: { new: 2 } }));
  await page.goto("/");
  const before = await page.locator("tbody").innerHTML();
  await page.evaluate(() => dispatchEvent(new Event("oss:look")));
  const status = page.getByRole("status");
  await status.getByRole("link", { name: "update list" }).waitFor();
  assert.equal((await status.textContent()).trim(), "2 new referrals: update list");
  assert.equal(await page.locator("tbody").innerHTML(), before);
  await accessible(page, "the queue with news");
  await context.close();
});

test("whoever may not see referrals sees none", async () => {
  for (const role of ["provider", "operator", "auditor"]) {
    const { context, page } = await signedIn(browser, role);
    for (const [name, path] of all.filter(([, path]) => path.startsWith("/referrals/"))) {
      const answer = await page.goto(path);
      assert.equal(answer.status(), 403, `${role}: ${name}`);
    }
    // Who has no queue is sent to a page of their own.
    await page.goto("/");
    assert.notEqual(new URL(page.url()).pathname, "/", role);
    assert.doesNotMatch(await page.content(), /\/referrals\//, role);
    await context.close();
  }
});

test("a whole reference leads to its referral, and reading it is in its history", async () => {
  const { context, page } = await signedIn(browser, "commissioner");
  await page.goto("/");
  const reference = (await page.locator("tbody th a").first().textContent()).trim();
  await page.getByLabel("Reference").fill(reference);
  await page.getByRole("button", { name: "Apply filters" }).click();
  await page.waitForURL(`**/referrals/${reference}`);
  const latest = page.locator(".moj-timeline__item").first();
  assert.match(await latest.textContent(), /Referral read\s+by /);
  await context.close();
});

test("filters say what they hide, and each can be removed", async () => {
  const { context, page } = await signedIn(browser, "commissioner");
  const [, options] = all.find(([name]) => name === "options");
  await page.goto(options);
  const shown = await page.locator("tbody tr").count();
  await page.getByLabel("Most miles from").fill("1");
  await page.getByRole("button", { name: "Apply filters" }).click();
  await page.getByText(/Your filters hide \d+ of \d+ options/).waitFor();
  await page.getByRole("link", { name: "Remove this filter: At most 1 miles from home" }).click();
  await page.waitForURL(`**${options}`);
  assert.equal(await page.locator("tbody tr").count(), shown);
  await context.close();
});

test("options are downloaded as CSV with a row for each", async () => {
  const { context, page } = await signedIn(browser, "commissioner");
  const [, options] = all.find(([name]) => name === "options");
  await page.goto(options);
  const ranked = Number.parseInt(await page.locator("h1").textContent(), 10);
  const answer = await context.request.get(`${options}.csv`);
  assert.equal(answer.headers()["content-type"], "text/csv; charset=utf-8");
  assert.equal((await answer.text()).trim().split("\r\n").length, ranked + 1);
  await context.close();
});

test("every home that is not shown can be found by name, with its reasons", async () => {
  const { context, page } = await signedIn(browser, "commissioner");
  const [, path] = all.find(([name]) => name === "what is not shown");
  const { items } = await api("/referrals?limit=200");
  const { run_id } = items.find((it) => path.includes(it.referral_id));
  const { excluded } = await api(`/match-runs/${run_id}`);
  const last = excluded.at(-1);
  await page.goto(path);
  await page.getByLabel("Find a home").fill(last.setting_id);
  await page.getByRole("button", { name: "Find" }).click();
  const row = page.locator(".govuk-summary-list__row", { hasText: last.setting_id }).last();
  for (const { code } of last.reasons) assert.ok((await row.textContent()).includes(`(${code})`));
  await context.close();
});
