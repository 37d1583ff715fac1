// Every page, in every state that the sample can show.
import { api } from "./support.js";

const tasks = ["when", "kinds", "children", "wishes", "identity", "places", "needs", "law", "areas", "people", "zones", "story"];

/** What the sample has to show: a referral with its options, and one without. */
async function sample() {
  const { items } = await api("/referrals?limit=200");
  const inState = (state) => items.find((it) => it.state === state)?.referral_id;
  const ranked = inState("ranked");
  const { offers, conditional } = await api(`/referrals/${ranked}/offers`);
  const settings = offers.map((offer) => offer.setting_id);
  return { ranked, of: `/referrals/${ranked}`, settings, conditional, unfilled: inState("unfilled") };
}

export async function pages() {
  const { ranked, of, settings, conditional, unfilled } = await sample();
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
    ["what would bring a home in", conditional.length && `${of}/conditional/${conditional[0].setting_id}`],
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

/** What pages with forms refuse: what is filled in, by its label, and which button is pressed. */
export async function refusals() {
  const { ranked, of, settings, conditional } = await sample();
  const [first] = settings;
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
    ["what would bring a home in", conditional.length && `${of}/conditional/${conditional[0].setting_id}`, {}, "See to it"],
    ["changing a home of the register", `/admin/settings/${first}/edit`, { "Places approved": "many" }, "Continue"],
    ["adding a home to the register", "/admin/new-setting", {}, "Continue"],
    ["taking in a register", "/admin/import", { "Or the settings themselves": "no JSON" }, "See what it changes"],
  ].filter(([, path]) => path);
}
