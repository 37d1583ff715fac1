// Every page, in every state that the sample can show.
import assert from "node:assert/strict";
import { api, until } from "./support.js";

const tasks = ["when", "kinds", "children", "wishes", "identity", "places", "needs", "law", "areas", "people", "zones", "story"];

/** What the sample has to show: a referral with its options, one with a home that would come in, and one without any. */
async function sample() {
  const { items } = await api("/referrals?limit=200");
  const ids = (state) => items.filter((it) => it.state === state).map((it) => it.referral_id);
  const [ranked, ...others] = ids("ranked");
  const { offers } = await api(`/referrals/${ranked}/offers`);
  const settings = offers.map((offer) => offer.setting_id);
  const curable = await blocked(ids("ranked"));
  return { ranked, others, of: `/referrals/${ranked}`, settings, curable, unfilled: ids("unfilled")[0] };
}

/** Where it is told what would bring a home in, for one of these referrals: the home's places cannot be used. */
async function blocked(referrals) {
  const isFostering = ({ kind }) => kind === "fostering_household";
  const [child, { setting_id }] = await firstOf(referrals, ({ offers }) => offers.find(isFostering));
  const like = await api(`/settings/${setting_id}`);
  const places = { residents: [], bedrooms_free: 5, blocked_places: like.approval.places };
  await api("/settings/BLOCKED", { ...like, ...places, setting_id: "BLOCKED", version: 1 });
  const isKnown = ({ conditional }) => conditional.some((home) => home.setting_id === "BLOCKED");
  await until("a home is ranked out", async () => isKnown(await api(`/referrals/${child}/offers`)));
  return `/referrals/${child}/conditional/BLOCKED`;
}

/** The first of these referrals in whose proposal `find` finds something, with that. */
async function firstOf(referrals, find) {
  for (const id of referrals) {
    const found = find(await api(`/referrals/${id}/offers`));
    if (found) return [id, found];
  }
  return assert.fail(`no referral of the sample has ${find}`);
}

export async function pages() {
  const { ranked, of, settings, curable, unfilled } = await sample();
  const [first, second, third] = settings;
  return [
    ["the queue", "/"],
    ["the queue, filtered", "/?urgency=emergency&whose=nobody&sort=time"],
    ["the queue, nothing found", "/?q=zzz&state=selected"],
    ["a referral", of],
    ["a referral without a home", unfilled && `/referrals/${unfilled}`],
    ["options", `${of}/options`],
    ["options, filtered", `${of}/options?miles=5`],
    ["options, all hidden", `${of}/options?kind=secure_childrens_home`],
    ["no options", unfilled && `/referrals/${unfilled}/options`],
    ["an option", `${of}/options/${first}`],
    ["a comparison", second && `${of}/compare?setting=${first}&setting=${second}${third ? `&setting=${third}` : ""}`],
    ["a comparison of nothing", `${of}/compare`],
    ["what is not shown", `${of}/not-shown`],
    ["what is not shown, nothing found", `${of}/not-shown?q=zzz`],
    ["what would bring a home in", curable],
    ["how far the search has come", `${of}/progress`],
    ["asking homes", `${of}/approach?setting=${first}${second ? `&setting=${second}` : ""}`],
    ["asking none", `${of}/approach`],
    ["an answer by telephone", `${of}/options/${first}/answer`],
    ["holding a place", `${of}/options/${first}/hold`],
    ["taking back what a home was asked", `${of}/options/${first}/withdraw`],
    ["handing over to a colleague", `${of}/hand-over`],
    ["options, and one that is gone", `${of}/options?gone=GONE`],
    ["deciding", `${of}/options/${first}/decide`],
    ["no suitable option", `${of}/unfilled`],
    ["drafts", "/drafts"],
    ["starting a referral", "/start-referral"],
    ["changing a referral", `/drafts/${ranked}`],
    ...tasks.map((task) => [`changing a referral: ${task}`, `/drafts/${ranked}/task/${task}`]),
    ["changing a referral: the answers", `/drafts/${ranked}/check`],
    ["approvals", "/approvals"],
    ["late referrals", "/?late=yes&sort=time"],
    ["late approvals", "/approvals?late=yes"],
    ["reports", "/reports?days=365"],
    ["the register", "/admin/settings"],
    ["a home of the register", `/admin/settings/${first}`],
    ["the register, searched", "/admin/settings?q=zzz"],
    ["changing a home of the register", `/admin/settings/${first}/edit`],
    ["adding a home to the register", "/admin/new-setting"],
    ["closing a home of the register", `/admin/settings/${first}/close`],
    ["taking in a register", "/admin/import"],
    ["the policy", "/admin/policy"],
    ["about", "/about"],
    ["the accessibility statement", "/accessibility"],
    ["signing in", "/sign-in?notice=signed-out"],
    ["a referral that is not there", "/referrals/none", 404],
  ].filter(([, path]) => path);
}

/** A placement of one of these referrals, decided for in a home of the council's own. */
async function decided(referrals) {
  const isOwn = ({ sourcing }) => ["in_house", "connected"].includes(sourcing);
  const [, { offer_id }] = await firstOf(referrals, ({ offers }) => offers.find(isOwn));
  const why = { reason: "Near to school", reason_not_first: "The council's own" };
  const { placement_id } = await api(`/offers/${offer_id}/select`, why, "POST");
  return `/placements/${placement_id}`;
}

/** Sees to what would bring a home in, as somebody does: where to record what came of it. */
const seesTo = (path) => async (page) => {
  await page.goto(path);
  await page.getByRole("radio").first().check();
  await page.getByLabel("Who does what").fill("Kim takes it to the panel.");
  const [year, month, day] = new Date(Date.now() + 86_400_000).toISOString().slice(0, 10).split("-");
  await page.getByLabel("Day", { exact: true }).fill(day);
  await page.getByLabel("Month", { exact: true }).fill(month);
  await page.getByLabel("Year", { exact: true }).fill(year);
  await page.getByRole("button", { name: "See to it" }).click();
  return page.getByRole("link", { name: /^What came of it/ }).first().getAttribute("href");
};

/** What pages with forms refuse: what is filled in, by its label, and which button is pressed.
 * Where a page is there only once somebody has acted, its path is a function that does that. */
export async function refusals() {
  const { ranked, others, of, settings, curable } = await sample();
  const [first] = settings;
  // Not of the one whose condition is seen to: that is to stay open.
  const placement = await decided(others.filter((id) => !curable.includes(`/${id}/`)));
  const task = (name, fields) => [`changing a referral: ${name}`, `/drafts/${ranked}/task/${name}`, fields, "Save and continue"];
  const long = "long ".repeat(60);
  return [
    ["starting a referral", "/start-referral", {}, "Start"],
    task("when", { Day: "32" }),
    task("kinds", { "First choice": "Choose" }),
    task("children", { "Id in the case system": "a b" }),
    task("identity", { Languages: long }),
    task("places", { "Postcode of home": "Derby", "Postcodes of people the child sees": "x" }),
    task("areas", { "Councils’ areas that a court or the plan rules out": "Atlantis" }),
    task("people", { "Siblings who live in a home already": "a b" }),
    task("zones", { "Postcode in the middle": "x", "How far around it, in miles": "far" }),
    task("story", { "A short title": long }),
    ["no suitable option", `${of}/unfilled`, {}, "Continue"],
    ["handing over to a colleague", `${of}/hand-over`, {}, "Hand over"],
    ["what would bring a home in", curable, {}, "See to it"],
    ["recording a condition", seesTo(curable), {}, "Record"],
    ["the end of a placement", placement, {}, "Continue"],
    ["a note for the child", `${placement}/why`, { "A note for the child": "" }, "Keep the note"],
    ["changing a home of the register", `/admin/settings/${first}/edit`, { "Places approved": "many" }, "Continue"],
    ["adding a home to the register", "/admin/new-setting", {}, "Continue"],
    ["taking in a register", "/admin/import", { "Or the settings themselves": "no JSON" }, "See what it changes"],
  ];
}
