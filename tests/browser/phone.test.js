// What a list owes whoever reads it on a phone, and the menu whoever is lost.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, launch, signedIn } from "./support.js";

const phone = { width: 375, height: 812 };
const desk = { width: 1280, height: 900 };

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

/** The lists, with the columns that nobody may have to look for, and a field of the filter. */
async function lists() {
  const { items } = await api("/referrals?limit=200");
  const { referral_id } = items.find((it) => it.state === "ranked");
  return [
    ["/", ["Urgency", "Time left", "State and what is next"], "Urgency"],
    [`/referrals/${referral_id}/options`, ["Needs met", "Straight line", "Cost a week"], "Kind of home"],
  ];
}

test("on a phone nothing of a list is out of sight, the filter is folded, and it is a table still", async () => {
  const { context, page } = await signedIn(browser, "commissioner", { viewport: phone });
  const devtools = await context.newCDPSession(page);
  for (const [path, columns, field] of await lists()) {
    await page.goto(path);
    const filter = page.getByLabel(field, { exact: true });
    assert.ok(!(await filter.isVisible()), `${path}: the filter is folded`);
    const row = page.locator("tbody tr").first();
    const { y } = await row.boundingBox();
    assert.ok(y < 1.2 * phone.height, `${path}: the list begins ${y} down`);
    for (const column of columns) {
      const cell = row.locator(`[data-label="${column}"]`);
      const { x, width } = await cell.boundingBox();
      assert.ok(x >= 0 && x + width <= phone.width, `${path}: ${column} is in sight`);
    }
    // To those who hear it, by the browser's own account: a table, with the names of its columns.
    const { nodes } = await devtools.send("Accessibility.getFullAXTree");
    const named = (role) => nodes.filter((it) => it.role?.value === role).map((it) => it.name?.value);
    for (const column of columns) assert.ok(named("columnheader").includes(column), `${path}: ${column} is a column`);
    assert.equal(named("row").length, 1 + (await page.locator("tbody tr").count()), path);
    assert.ok(!named("cell").some((name) => name.startsWith(columns[0])), `${path}: it is not said twice`);
    await page.locator("summary", { hasText: "Filter" }).click();
    assert.ok(await filter.isVisible(), `${path}: the filter unfolds`);

    await page.setViewportSize(desk);
    await page.goto(path);
    assert.ok(await filter.isVisible(), `${path}: the filter is there in full where there is room`);
    await page.setViewportSize(phone);
  }
  await context.close();
});

test("the menu says where one is", async () => {
  const { context, page } = await signedIn(browser, "commissioner");
  const menu = page.getByRole("navigation", { name: "Menu" });
  await page.goto("/");
  const links = await menu.getByRole("link").evaluateAll((all) => all.map((it) => it.getAttribute("href")));
  for (const href of links) {
    await page.goto(href);
    const marked = menu.locator("[aria-current]");
    assert.equal(await marked.count(), 1, href);
    assert.equal(await marked.getAttribute("href"), href);
    assert.equal(await marked.getAttribute("aria-current"), "page");
    assert.ok(await menu.locator(".govuk-service-navigation__item--active").isVisible(), href);
  }
  for (const [path, of] of [
    ["/start-referral", "/drafts"],
    ["/admin/new-setting", "/admin/settings"],
  ]) {
    await page.goto(path);
    assert.equal(await menu.locator("[aria-current=true]").getAttribute("href"), of, path);
  }
  await context.close();
});
