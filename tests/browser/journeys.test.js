// From a referral to a home, as people go: each journey has a child and homes of its own, and is tried in several ways.
import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";
import { after, before, test } from "node:test";
import { Person, ways } from "./person.js";
import { api, dev, launch, publish, until } from "./support.js";

let browser;
before(async () => {
  browser = await launch();
});
after(() => browser?.close());

const [authority] = dev.authorities;
const day = (ahead) => new Date(Date.now() + ahead * 86_400_000).toISOString().slice(0, 10);
let drawn = 0;
const fresh = (name) => `${name}-${(drawn += 1)}`;
const own = { sourcing: "in_house", provider: { provider_id: "DERBY", name: "Derby City Council" } };
const bought = {
  sourcing: "framework",
  framework: { reference: "EM-FOST-24", category: "standard", max_weekly_pence: 120_000 },
  provider: { provider_id: "JOURNEY", name: "Journey Fostering" },
};
const postcode = "DE22 3FN";

/** A home of the register with a place for one, unless told otherwise. */
async function home({ places = 1, ...rest }) {
  const setting_id = fresh("HOME");
  await api(`/settings/${setting_id}`, {
    setting_id,
    authority,
    version: 1,
    kind: "fostering_household",
    postcode,
    registration: { registered: true, quality: "good" },
    approval: { places, min_age: 0, max_age: 17, sexes: ["M", "F"], parent_and_child: "no" },
    residents: [],
    bedrooms_free: places,
    capabilities: { EMO: 3 },
    weekly_cost_pence: 95_000,
    occupancy_version: 1,
    capacity_confirmed_at: new Date().toISOString(),
    ...rest,
  });
  return setting_id;
}

const offered = async (child) => {
  const proposal = await api(`/referrals/${child}/offers`).catch(() => ({ offers: [] }));
  return proposal.offers.map((offer) => offer.setting_id);
};

/** A referral arrives as an event, and is ranked over these homes. */
async function referral(told, ...homes) {
  const referral_id = fresh("CHILD");
  const data = {
    referral_id,
    authority,
    revision: 1,
    urgency: "urgent",
    start_date: day(0),
    placement_types: ["fostering_household"],
    children: [{ child_id: `${referral_id}-1`, date_of_birth: "2016-05-06", sex: "F" }],
    needs: { EMO: { level: 2, essential: true } },
    locations: { home: postcode },
    wishes_and_feelings: "To stay with my cat.",
    ...told,
  };
  await publish({
    specversion: "1.0",
    id: randomUUID(),
    source: "/derby/case-system",
    type: "uk.oss.referral.submitted.v1",
    subject: referral_id,
    time: new Date().toISOString(),
    datacontenttype: "application/json",
    data,
  });
  await until(`${referral_id} is ranked`, async () => {
    const ids = await offered(referral_id);
    return homes.every((id) => ids.includes(id));
  });
  return referral_id;
}

/** From the queue to the referral, by its reference. */
async function finds(person, child) {
  await person.opens("/");
  // On a phone the filter is folded away.
  if (person.how.viewport) await person.unfolds("Filter");
  await person.fills("Reference", child);
  await person.presses("Apply filters");
  await person.isOn(new RegExp(`^Referral ${child}`));
}

/** From the list of options to the progress, with a wave sent to one home. */
async function asks(person, id) {
  await person.ticks(new RegExp(`compare ${id}$`));
  await person.presses("Ask chosen");
  await person.isOn("Ask this home?");
  await person.presses("Ask the provider");
  await person.isOn("Progress");
}

/** From the progress, and back to it, with the home's yes by telephone. */
async function recordsYes(person, id) {
  await person.follows(`Record the answer of ${id}`);
  await person.presses("Record the answer");
  await person.isRefused("Choose what the provider answered");
  await person.ticks("Yes, can take the child");
  await person.fills("Price a week, in pounds", "1,050.00");
  await person.fills("How the home would meet the needs", "A quiet house with a garden");
  await person.presses("Record the answer");
  await person.sees("Says yes");
}

/** From the progress, and back to it, with the home chosen and the placement agreed. */
async function decides(person, id) {
  await person.follows(`Decide for ${id}`);
  await fillsInDecision(person, id);
  await person.presses("Decide for this home");
  await person.isOn("Progress");
  await person.sees("Agreed");
}

async function fillsInDecision(person, id) {
  const why = "Near to school, and they may bring the cat";
  await person.presses("Continue");
  await person.isRefused("The reason is missing");
  await person.fills("Why this home", why);
  if (await person.has("Why not the first of the list")) {
    await person.fills("Why not the first of the list", "The first is far from her friends");
  }
  if (await person.has("I have read what to bear in mind")) {
    await person.ticks("I have read what to bear in mind");
  }
  await person.presses("Continue");
  await person.isOn(`Decide for ${id}?`);
  await person.sees(why, "This cannot be undone.");
}

/** From the page of the placement, and back to it, with the placement started. */
async function starts(person, id) {
  await person.presses("The child has moved in");
  await person.isOn(`Has the child moved into ${id}?`);
  await person.presses("Start the placement");
  await person.sees("Started");
}

/** The same journey in each of these ways. */
function journey(name, ways, go) {
  for (const [way, how] of Object.entries(ways)) test(`${name}, ${way}`, () => go(how));
}

const { "with scripts": scripts, "without scripts": plain } = ways;
const once = { "with scripts": scripts };
const both = { ...once, "without scripts": plain };

journey("an emergency becomes a placement that is agreed and started", ways, async (how) => {
  const id = await home(own);
  const child = await referral({ urgency: "emergency", completeness: "emergency_minimum" }, id);
  const casey = await Person.signIn(browser, "commissioner", how);
  await finds(casey, child);
  await casey.presses("Take this referral");
  await casey.sees(/^You have this/);
  await casey.follows("Options");
  await casey.follows(id);
  await casey.follows("Hold a place");
  await casey.presses("Hold the place");
  await casey.sees(/^Held until/);
  await decides(casey, id);
  await casey.follows(`Agreement, start and end of ${id}`);
  await starts(casey, id);
  await casey.leave();
});

journey("a planned search goes on after a first wave that is declined", both, async (how) => {
  const [first, second] = [await home(bought), await home(bought)];
  const child = await referral({ urgency: "planned", start_date: day(14) }, first, second);
  const casey = await Person.signIn(browser, "commissioner", how);
  await finds(casey, child);
  await casey.follows("Options");
  await asks(casey, first);
  assert.ok(casey.pages <= 6, `a first wave is sent after ${casey.pages} pages`);
  await casey.follows(`Record the answer of ${first}`);
  await casey.ticks("No");
  await casey.chooses("Why the provider declines", "No vacancy");
  await casey.presses("Record the answer");
  await casey.sees("Says no", "Why: no vacancy");
  await casey.follows("See the options");
  await asks(casey, second);
  await recordsYes(casey, second);
  await decides(casey, second);
  await casey.sees("Says no", "Waiting");
  await casey.leave();
});

journey("brothers and sisters stay together", once, async (how) => {
  const [small, large] = [await home({ ...own, places: 2 }), await home({ ...own, places: 3 })];
  const sibling = (n) => ({ child_id: fresh("SIBLING"), date_of_birth: `201${n}-01-02`, sex: "F" });
  const child = await referral({ children: [2, 4, 6].map(sibling) }, large);
  const casey = await Person.signIn(browser, "commissioner", how);
  await finds(casey, child);
  await casey.follows("Not shown, and why");
  await casey.fills("Find a home by its id or who runs it", small);
  await casey.presses("Find");
  await casey.sees(small, /There are not enough free places/);
  await casey.follows("Options");
  await casey.follows(large);
  await casey.follows("Hold a place");
  await casey.presses("Hold the place");
  await decides(casey, large);
  await casey.leave();
});

journey("a director approves before a placement starts", once, async (how) => {
  const id = await home({ ...bought, sourcing: "block", framework: undefined, kind: "childrens_home" });
  const child = await referral({ placement_types: ["childrens_home"] }, id);
  const casey = await Person.signIn(browser, "commissioner", how);
  await finds(casey, child);
  await casey.follows("Options");
  await asks(casey, id);
  await recordsYes(casey, id);
  await decides(casey, id);
  await casey.follows(`Agreement, start and end of ${id}`);
  await casey.sees(/^It cannot start yet: 1 approval is waiting/);

  const dana = await Person.signIn(browser, "director", how);
  await dana.opens("/approvals");
  await dana.follows(`${child} approval A05`);
  await dana.presses("Continue");
  await dana.sees("Choose whether you grant or refuse it");
  await dana.ticks("Grant");
  await dana.fills("What the decision rests on", "There is no foster home for her now");
  await dana.presses("Continue");
  await dana.isOn(/^Grant: /);
  await dana.presses("Change it");
  await dana.fills("What the decision rests on", "No foster home will take her now");
  await dana.presses("Continue");
  await dana.sees("No foster home will take her now");
  await dana.presses("Grant it");
  await dana.leave();

  await casey.opens(new URL(casey.page.url()).pathname);
  await casey.sees("Granted");
  await starts(casey, id);
  await casey.follows("Decision record");
  await casey.sees(/No foster home will take her now/);
  await casey.follows("Back to the placement");
  await casey.follows("Why this home: a note for the child");
  await casey.fills("A note for the child", "You can bring your cat.");
  await casey.presses("Keep the note");
  await casey.sees(/^Kept on /);
  await casey.follows("Back to the placement");
  await casey.unfolds("End the placement");
  await casey.fillsDay(day(0));
  await casey.chooses("Why it ends", "A change to the care plan");
  await casey.ticks("Yes");
  await casey.presses("Continue");
  await casey.isOn(`End the placement in ${id}?`);
  await casey.presses("End the placement");
  await casey.sees("Ended", /A change to the care plan, planned/);
  await casey.leave();
});

journey("a case goes from hand to hand, and on after an approach is taken back", once, async (how) => {
  const id = await home(bought);
  const child = await referral({}, id);
  const max = await Person.signIn(browser, "manager", how);
  const casey = await Person.signIn(browser, "commissioner", how);
  const nameOf = (person) => person.page.locator(".oss-who span").textContent();
  const [manager, commissioner] = [await nameOf(max), await nameOf(casey)];
  await finds(max, child);
  await max.follows("Hand over to a colleague");
  await max.chooses("Who is to work on it", commissioner);
  await max.fills("What they should know (optional)", "Her grandmother rings at four");
  await max.presses("Hand over");
  await max.sees(`${commissioner} has this. Speak to them before you act on it.`);
  await max.follows("Options");
  await max.sees(`${commissioner} has this referral. Speak to them before you act on it.`);
  await max.leave();

  await casey.opens("/?whose=mine");
  await casey.sees(`from ${manager}`);
  await casey.follows(child);
  await casey.sees(/Her grandmother rings at four/);
  await casey.follows("Options");
  await asks(casey, id);
  await casey.follows(`Take back what ${id} was asked`);
  await casey.presses("Take it back");
  await casey.sees("Taken back");
  await casey.follows("No option is suitable");
  await casey.chooses("Why no option will do", "The homes are too far away");
  await casey.fills("What was tried, and what is to happen next", "Asked; we look in Nottingham");
  await casey.presses("Continue");
  await casey.isOn("Record that no option is suitable?");
  await casey.presses("Record this");
  await casey.sees(/we look in Nottingham/);
  await casey.leave();
});

journey("a provider answers on pages of its own", both, async (how) => {
  const id = await home({ ...bought, provider: { provider_id: "AGY01", name: "First Agency" } });
  const child = await referral({}, id);
  const casey = await Person.signIn(browser, "commissioner", how);
  await finds(casey, child);
  await casey.follows("Options");
  await asks(casey, id);

  const pat = await Person.signIn(browser, "provider", how);
  await pat.opens("/");
  await pat.isOn("What you were asked");
  await pat.follows(new RegExp(` for ${id}$`));
  await pat.seesNot(child, postcode, "my cat");
  await pat.presses("Send the answer");
  await pat.sees("Choose what the provider answered");
  await pat.ticks("Yes, can take the child");
  await pat.fills("Price a week, in pounds", "1,100.00");
  await pat.fills("How the home would meet the needs", "We have a cat ourselves");
  await pat.presses("Send the answer");
  await pat.isOn("What you were asked");
  await pat.opens(`/provider/homes/${id}`);
  await pat.fills("Bedrooms free now", "many");
  await pat.presses("Confirm that this is right");
  await pat.isRefused("Give a whole number");
  await pat.leave();

  await casey.opens(`/referrals/${child}/progress`);
  await casey.sees("Says yes", /£1,100/);
  await casey.leave();
});

journey("of two commissioners who want one place, one gets it and the other a new list", both, async (how) => {
  const id = await home(own);
  const [one, other] = [await referral({}, id), await referral({}, id)];
  const casey = await Person.signIn(browser, "commissioner", how);
  const max = await Person.signIn(browser, "manager", how);
  await casey.opens(`/referrals/${one}/options/${id}/decide`);
  await max.opens(`/referrals/${other}/options/${id}/decide`);
  await fillsInDecision(max, id);
  await fillsInDecision(casey, id);
  await casey.presses("Decide for this home");
  await casey.sees("Agreed");
  await until("the place is gone", async () => !(await offered(other)).includes(id));
  await max.presses("Decide for this home");
  await max.isOn(/options?$/);
  await max.sees(`${id} is not on the list any more`, "Nothing was done. This list shows how things are now.");
  await max.seesNot(`/options/${id}"`);
  await Promise.all([casey.leave(), max.leave()]);
});
