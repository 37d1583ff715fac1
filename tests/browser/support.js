// The browser, somebody signed in, and what is asked of every page.
import { AxeBuilder } from "@axe-core/playwright";
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { chromium } from "playwright-core";

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

/** Asks the JSON API, as the installation's own token. */
export async function api(path) {
  const answer = await fetch(`${dev.http_url}/api/v1${path}`, {
    headers: { authorization: `Bearer ${dev.api_token}` },
  });
  assert.equal(answer.status, 200, path);
  return answer.json();
}

/** Sees to it that axe finds nothing wrong, by WCAG 2.2 AA and its best practices. */
export async function accessible(page, what) {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const found = violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map((node) => node.html.slice(0, 200)).join(" | ")}`,
  );
  assert.deepEqual(found, [], what);
}

/** Sees to it that the page itself never scrolls sideways (WCAG 1.4.10). */
export async function reflows(page, what) {
  const [scrolls, width] = await page.evaluate(() => [
    document.documentElement.scrollWidth,
    document.documentElement.clientWidth,
  ]);
  assert.ok(scrolls <= width, `${what} is ${scrolls} wide on ${width}`);
}
