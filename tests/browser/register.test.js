// The register: a home is added and changed by hand, and taken in from a file.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { accessible, api, launch, reflows, signedIn } from "./support.js";

let browser;

before(async () => {
  browser = await launch();
});
after(() => browser?.close());

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with scripts" : "without scripts";
  test(`a home is added, changed and taken in from a file at 320 pixels, ${how}`, async () => {
    const viewport = { width: 320, height: 640 };
    const { context, page } = await signedIn(browser, "manager", { javaScriptEnabled, viewport });
    const is = async (title) => {
      await page.getByRole("heading", { name: title, exact: true }).waitFor();
      await reflows(page, title);
      if (javaScriptEnabled) await accessible(page, title);
    };
    const press = (name) => page.getByRole("button", { name, exact: true }).click();
    const id = `BY-HAND-${javaScriptEnabled ? 1 : 2}`;

    await page.goto("/admin/settings");
    await page.getByRole("link", { name: "Add a home or carer" }).click();
    for (const [label, text] of [
      ["Id in the register", id],
      ["Id of who runs it", "DERBY"],
      ["Name of who runs it", "Derby City Council"],
      ["Postcode", "DE22 3FN"],
      ["Cost a week, in pounds", "520.00"],
      ["Places approved", "1"],
      ["Youngest age", "0"],
      ["Oldest age", "17"],
    ]) {
      await page.getByLabel(label, { exact: true }).fill(text);
    }
    for (const [label, option] of [
      ["Kind of home", "fostering_household"],
      ["How the council comes by it", "in_house"],
      ["What the last inspection found", "good"],
    ]) {
      await page.getByLabel(label, { exact: true }).selectOption(option);
    }
    for (const [question, answer] of [
      ["Is it registered?", "Yes"],
      ["Whom it takes", "Girls"],
      ["A parent with a child", "No"],
    ]) {
      const group = page.getByRole("group", { name: question, exact: true });
      await group.getByLabel(answer, { exact: true }).check();
    }
    await press("Continue");
    await is(`Add ${id} to the register?`);
    await press("Save");
    await is(id);

    await page.getByRole("link", { name: "Change it" }).click();
    await page.getByLabel("Places approved", { exact: true }).fill("2");
    await press("Add another child");
    await page.getByRole("heading", { name: "Child 2" }).waitFor();
    await is(`Change ${id}`);
    await press("Continue");
    await is(`Change ${id}?`);
    await page.getByText("Approval places: 2, before 1").waitFor();
    await press("Save");
    await is(id);

    const setting = await api(`/settings/${id}`);
    assert.deepEqual([setting.approval.places, setting.residents], [2, []]);
    const file = JSON.stringify([{ ...setting, version: 3, weekly_cost_pence: 53_000 }]);
    await page.goto("/admin/import");
    await page.getByLabel("The file", { exact: true }).setInputFiles({
      name: "register.json",
      mimeType: "application/json",
      buffer: Buffer.from(file),
    });
    await press("See what it changes");
    await is("Take in this file?");
    await press("Take it in");
    await page.getByText("The file was taken in").waitFor();
    await is("What became of the file");
    assert.equal((await api(`/settings/${id}`)).weekly_cost_pence, 53_000);
    await context.close();
  });
}
