// The end of a session: nobody is surprised by it, and everybody comes back to where they were.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, base, dev, launch, signedIn } from "./support.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const ABOUT = "/about?from=here";
const explained = /^You were signed out: that happens when nothing is done for half an hour/;

async function signIn(page) {
  const { user, password } = dev.logins.find((login) => login.role === "commissioner");
  await page.getByLabel("User name").fill(user);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

/** A page that is told that so many seconds are left, for as long as nobody asks to stay. */
async function nearTheEnd(left) {
  const { context, page } = await signedIn(browser, "commissioner");
  await page.clock.install();
  await page.route("**/session", (route) => {
    const stays = route.request().method() === "POST";
    return route.fulfill({ json: stays ? { until_idle: 1800, until_old: 30_000 } : left });
  });
  await page.goto(ABOUT);
  const warning = page.getByRole("dialog", { name: "You will be signed out soon" });
  const button = (name) => warning.getByRole("button", { name });
  return { context, page, warning, button };
}

test("whoever does nothing is warned before the session ends, and stays by a button or the Escape key", async () => {
  const left = { until_idle: 100, until_old: 30_000 };
  const { context, page, warning, button } = await nearTheEnd(left);
  assert.equal(await warning.isVisible(), false);
  await page.clock.fastForward("28:30");
  await warning.waitFor();
  await warning.getByRole("status").getByText("You will be signed out in 2 minutes.").waitFor();
  await accessible(page, "the warning");
  // The keyboard is in the dialog.
  assert.ok(await button("Stay signed in").evaluate((it) => it === document.activeElement));
  await page.keyboard.press("Enter");
  await warning.waitFor({ state: "hidden" });
  await page.clock.fastForward("28:30");
  await warning.waitFor();
  await page.keyboard.press("Escape");
  await warning.waitFor({ state: "hidden" });

  left.until_idle = 0;
  await context.clearCookies();
  await page.clock.fastForward("30:00");
  await page.waitForURL("**/sign-in?**");
  await page.getByText(explained).waitFor();
  await signIn(page);
  await page.waitForURL(`**${ABOUT}`);
  await context.close();
});

test("the end of a long day cannot be put off, but what is begun can be finished", async () => {
  const { context, page, warning, button } = await nearTheEnd({ until_idle: 100, until_old: 100 });
  await page.clock.fastForward("28:30");
  await warning.waitFor();
  await button("Back to the page").click();
  await warning.waitFor({ state: "hidden" });
  await page.clock.fastForward("00:10");
  assert.equal(await warning.isVisible(), false);
  await context.close();
});

test("without scripts the page of signing in says what happened, and leads back", async () => {
  const { context, page } = await signedIn(browser, "commissioner", { javaScriptEnabled: false });
  await page.goto(ABOUT);
  assert.equal(await page.locator("dialog").isVisible(), false);
  // As good as over: the service does not know it any more.
  await context.addCookies([
    { name: "__Host-oss", value: "0".repeat(64), url: base.replace("http:", "https:"), secure: true },
  ]);
  await page.goto("/approvals");
  await page.getByText(explained).waitFor();
  await signIn(page);
  await page.waitForURL("**/approvals");
  await context.close();
});
