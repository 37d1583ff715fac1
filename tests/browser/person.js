// Somebody at a browser: what they do, by the words on the page, and what each page owes them on the way.
import assert from "node:assert/strict";
import { accessible, reflows, signedIn, until } from "./support.js";

/** The ways of using the pages that journeys are tried in. */
export const ways = {
  "with scripts": {},
  "without scripts": { javaScriptEnabled: false },
  "by keyboard alone": { keyboard: true },
  "at 320 pixels": { viewport: { width: 320, height: 640 } },
};

export class Person {
  /** Signs somebody of `role` in, who uses the pages in this way. */
  static async signIn(browser, role, { keyboard = false, ...options } = {}) {
    const { context, page } = await signedIn(browser, role, options);
    return new Person(context, page, { keyboard, ...options });
  }

  constructor(context, page, how) {
    Object.assign(this, { context, page, how, pages: 0 });
  }

  leave() {
    return this.context.close();
  }

  async opens(path) {
    await this.#arrives(() => this.page.goto(path));
  }

  /** A link leads to another page. */
  async follows(name) {
    await this.#arrives(() => this.#acts("link", name));
  }

  /** A button sends a form. */
  async presses(name) {
    await this.#arrives(() => this.#acts("button", name));
  }

  /** Opens what is folded away. */
  async unfolds(text) {
    const summary = this.page.locator("summary", { hasText: text });
    await (this.how.keyboard ? this.#reaches(summary, "Enter") : summary.click());
  }

  async fills(label, text) {
    const field = this.page.getByLabel(label, { exact: true });
    if (!this.how.keyboard) return field.fill(text);
    await this.#reaches(field);
    await this.page.keyboard.press("ControlOrMeta+a");
    return this.page.keyboard.insertText(text);
  }

  /** The only day that the page asks for, given as `2027-03-27`. */
  async fillsDay(iso) {
    const [year, month, day] = iso.split("-");
    for (const part of Object.entries({ Day: day, Month: month, Year: year })) await this.fills(...part);
  }

  async chooses(label, option) {
    const field = this.page.getByLabel(label, { exact: true });
    if (!this.how.keyboard) return field.selectOption(option);
    await this.#reaches(field);
    await this.page.keyboard.type(option);
    assert.equal(await field.locator("option:checked").textContent(), option);
  }

  /** A box or a button among several. */
  async ticks(label) {
    const box = this.page.getByLabel(label, { exact: typeof label === "string" });
    if (!this.how.keyboard) return box.check();
    if ((await box.getAttribute("type")) === "radio") {
      // Of a group, Tab comes to the first; arrows choose among them.
      const group = this.page.locator(`[name="${await box.getAttribute("name")}"]`);
      await this.#reaches(group.first(), "Space");
      while (!(await box.isChecked())) await this.page.keyboard.press("ArrowDown");
      return undefined;
    }
    await this.#reaches(box, "Space");
    return assert.ok(await box.isChecked(), `${label} is ticked`);
  }

  async sees(...texts) {
    for (const text of texts) {
      const found = this.page.getByRole("main").getByText(text).filter({ visible: true });
      assert.ok(await found.count(), `${text} is on ${await this.page.title()}`);
    }
  }

  async seesNot(...texts) {
    const page = await this.page.content();
    for (const text of texts) assert.ok(!page.includes(text), `${text} is on ${await this.page.title()}`);
  }

  /** Whether the page has a field with this label. */
  async has(label) {
    return (await this.page.getByLabel(label, { exact: true }).count()) > 0;
  }

  /** What was not done says why, and leads to the field. */
  async isRefused(why) {
    assert.match(await this.page.title(), /^Error: /, why);
    await this.#acts("link", why);
    const leads = () => {
      const id = decodeURIComponent(location.hash.slice(1));
      return id !== "" && document.activeElement.id === id;
    };
    await until(`${why} leads to its field`, () => this.page.evaluate(leads));
  }

  async isOn(heading) {
    assert.ok(
      await this.page.getByRole("heading", { level: 1, name: heading }).isVisible(),
      `${heading}: ${await this.page.title()}`,
    );
  }

  async #acts(role, name) {
    const it = this.page.getByRole(role, { name, exact: typeof name === "string" });
    await (this.how.keyboard ? this.#reaches(it, "Enter") : it.click());
  }

  /** Goes there by the Tab key, and presses `key`. */
  async #reaches(there, key) {
    const has = () => there.evaluate((it) => it === document.activeElement);
    for (let tries = 0; !(await has()); tries += 1) {
      assert.ok(tries < 300, `${there} cannot be reached by keyboard`);
      await this.page.keyboard.press("Tab");
    }
    const box = await there.boundingBox();
    assert.ok(box && box.width > 0, `the focus shows on ${there}`);
    if (key) await this.page.keyboard.press(key);
  }

  /** Does what leads to another page, and looks at that. */
  async #arrives(how) {
    const arrived = this.page.waitForEvent("load");
    await Promise.all([arrived, how()]);
    this.pages += 1;
    const title = await this.page.title();
    assert.match(title, / – One Stop Shop$/);
    assert.equal(await this.page.locator("h1").count(), 1, `${title} has one heading`);
    if (this.how.viewport) await reflows(this.page, title);
    // axe is a script itself.
    if (this.how.javaScriptEnabled !== false) await accessible(this.page, `${title} ${this.page.url()}`);
  }
}
