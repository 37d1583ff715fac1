// Writing a referral by tasks, from an empty draft to its ranked options, and changing it, as people go.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Person, ways } from "./person.js";
import { api, launch, until } from "./support.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const [, month, day] = new Date(Date.now() + 14 * 86_400_000).toISOString().split(/[-T]/).map(Number);
const year = new Date(Date.now() + 14 * 86_400_000).getUTCFullYear();
const months = "January February March April May June July August September October November December";
const start = `${day} ${months.split(" ")[month - 1]} ${year}`;

async function fillsInDate(person, ...parts) {
  for (const [idx, label] of ["Day", "Month", "Year"].entries()) await person.fills(label, String(parts[idx]));
}

/** Does a task of the list, and is back at the list. */
async function does(person, task, fillIn) {
  await person.follows(task);
  await person.isOn(task);
  await fillIn();
  await person.presses("Save and continue");
}

/** Starts a draft, which is refused without a reference. */
async function begins(person, id) {
  await person.opens("/drafts");
  await person.presses("Start a referral");
  await person.presses("Start");
  await person.isRefused("Enter the reference");
  await person.fills("Reference in the case system", id);
  await person.presses("Start");
  await person.isOn(`New referral ${id}`);
  await person.sees("5 tasks to do before it can be sent.");
}

/** Does the tasks that a referral cannot go without, each wrongly at first. */
async function writes(person, id) {
  await does(person, "How soon a home is needed", async () => {
    await person.presses("Save and continue");
    await person.isRefused("Choose how soon a home is needed");
    await person.ticks("By the start date: planned");
    await fillsInDate(person, 31, 2, year);
    await person.presses("Save and continue");
    await person.isRefused("The day it is to start must be a real date, such as 27 3 2014");
    await fillsInDate(person, day, month, year);
  });
  await does(person, "Kinds of home in the care plan", async () => {
    await person.presses("Save and continue");
    await person.isRefused("Choose a kind of home");
    await person.chooses("First choice", "Foster home");
  });
  await does(person, "The child, or the children to live together", async () => {
    await person.presses("Add another child");
    await person.presses("Remove child 2");
    await person.presses("Save and continue");
    await person.isRefused("Enter the child’s id");
    await person.fills("Id in the case system", `${id}-1`);
    await fillsInDate(person, 6, 5, 2014);
    await person.ticks("Female");
  });
  await does(person, "Home, school and the people the child sees", async () => {
    await person.fills("Postcode of home", "Derby");
    await person.presses("Save and continue");
    await person.isRefused("The postcode of home must be a full postcode, such as DE1 2FS");
    await person.fills("Postcode of home", "DE1 2FS");
  });
  await does(person, "What the child needs", () =>
    person.chooses("Emotional and mental health", "2: additional support"),
  );
  await person.sees("Nothing is missing.");
}

/** From the list of tasks to the ranked options, past the answers. */
async function sends(person, id) {
  await person.presses("Check the answers");
  await person.follows("Change postcode of school");
  await person.fills("Postcode of school", "DE22 3FN");
  await person.presses("Save and continue");
  await person.isOn("Check the answers");
  await person.sees(start, "DE22 3FN", "Emotional and mental health: level 2, additional support");
  await person.presses("Send the referral");
  await person.isOn(new RegExp(`^Referral ${id}`));
  const ranked = async () => (await api(`/referrals/${id}/offers`).catch(() => ({ offers: [] }))).offers;
  const [first] = await until(`${id} is ranked`, async () => {
    const offers = await ranked();
    return offers.length > 0 && offers;
  });
  await person.opens(`/referrals/${id}`);
  await person.follows("Options");
  await person.sees(first.setting_id);
}

/** Changes what was sent: behind an open page it changes too, and nothing is laid over that unseen. */
async function changes(person, id) {
  await person.opens(`/drafts/${id}`);
  await person.follows("Home, school and the people the child sees");
  const stored = await api(`/referrals/${id}`);
  const sent = ["referral_id", "authority", "urgency", "start_date", "placement_types", "children", "needs"];
  const again = Object.fromEntries(sent.map((name) => [name, stored[name]]));
  await api(`/referrals/${id}`, { ...again, revision: 2, locations: { home: "DE22 3FN" } });
  await person.fills("Postcode of school", "DE1 2FS");
  await person.presses("Save and continue");
  await person.sees(/^Other answers were saved here/, "What you typed, and was not saved", "DE1 2FS");
  await person.fills("Postcode of school", "DE1 2FS");
  await person.presses("Save and continue");
  await person.presses("Check the answers");
  await person.sees("What changes");
  await person.presses("Send the change");
  await person.isRefused("The reason is missing");
  await person.fills("Why it changes", "A school was found");
  await person.presses("Send the change");
  await person.isOn(new RegExp(`^Referral ${id}`));
  const { revision, locations } = await api(`/referrals/${id}`);
  assert.deepEqual([revision, locations], [3, { home: "DE22 3FN", school: "DE1 2FS" }]);
}

async function discards(person, id) {
  await person.opens(`/drafts/${id}`);
  await does(person, "Wishes and feelings", () =>
    person.fills("What does the child wish and feel?", "To stay with my cat.\nAnd my sister."),
  );
  await person.follows("Discard this draft");
  await person.presses("Discard the draft");
  await person.isOn("Drafts");
}

for (const [idx, [way, how]] of Object.entries(ways).entries()) {
  test(`a referral is written, sent, ranked and changed, ${way}`, async () => {
    const id = `NEW-${idx + 1}`;
    const sam = await Person.signIn(browser, "social_worker", how);
    await begins(sam, id);
    await writes(sam, id);
    await sends(sam, id);
    await changes(sam, id);
    await discards(sam, id);
    await sam.leave();
  });
}
