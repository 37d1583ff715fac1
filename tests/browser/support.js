// The browser, somebody signed in, and what is asked of every page.
import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import * as child from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { chromium } from "playwright-core";

const execFile = promisify(child.execFile);

export const dev = JSON.parse(readFileSync(process.env.DEV_JSON, "utf8"));
// Cookies that only https may carry are carried to this name as well.
export const base = dev.http_url.replace("127.0.0.1", "localhost");

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });

/** A context with somebody of `role` signed in. */
export async function signedIn(browser, role, options = {}) {
  const context = await browser.newContext({ baseURL: base, ...options });
  const page = await context.newPage();
  const { user, password } = dev.logins.find((login) => login.role === role);
  await page.goto("/sign-in");
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.waitForURL((url) => url.pathname !== "/sign-in");
  await page.waitForLoadState();
  return { context, page };
}

/** Asks the JSON API, as the installation's own token; with a body, PUTs that, unless told otherwise. */
export async function api(path, body, method = body ? "PUT" : "GET") {
  const answer = await fetch(`${dev.http_url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${dev.api_token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  assert.ok(answer.ok, `${path}: ${answer.status} ${answer.ok ? "" : await answer.text()}`);
  return answer.json();
}

/** Publishes events as the council's other systems do, by NATS. */
export async function publish(...events) {
  const data = new URL(`file://${process.env.DEV_JSON}`).pathname.replace(/\/dev\.json$/, "");
  const publishing = execFile(process.env.OSS, ["publish", "--data-dir", data, "-"]);
  publishing.child.stdin.end(JSON.stringify(events));
  await publishing;
}

/** Waits until `look` gives something that is so. */
export async function until(what, look) {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await look();
    if (found) return found;
    assert.ok(Date.now() < deadline, `in vain: ${what}`);
    await setTimeout(50);
  }
}

const looked = new Set();

/** Sees to it that axe finds nothing wrong, by WCAG 2.2 AA and its best practices. */
export async function accessible(page, what) {
  // Once for each page and state: those that differ in references and tokens only are the same.
  const text = (await page.content()).replace(/[0-9a-f]{8,}|\d+/gi, "");
  const state = `${page.viewportSize().width} ${text}`;
  if (looked.has(state)) return;
  // In the page itself, which has no frames: the other way opens a page of its own each time. Every
  // rule is tried all the same, and of those that hold no more is told.
  const axe = new AxeBuilder({ page }).setLegacyMode().options({ resultTypes: ["violations"] });
  const { violations } = await axe.analyze();
  const found = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`,
  );
  assert.deepEqual(found, [], what);
  looked.add(state);
}

/** Sees to it that the page itself never scrolls sideways (WCAG 1.4.10). */
export async function reflows(page, what) {
  const [scrolls, width] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(scrolls <= width, `${what} is ${scrolls} wide on ${width}`);
}
