/* Provider preferences: which providers may serve a chat, and in which order. They are the API's `provider` object, kept
   with the chat's parameters. Pure functions; what they read may come from an imported file. */

const SORTS = { price: "Lowest price", throughput: "Highest throughput", latency: "Lowest latency" };
export const LISTS = ["order", "only", "ignore"];
export const PRICES = ["prompt", "completion"];

const isPrice = (value) => /^\d+(\.\d+)?$/.test(value);

/** The `provider` object of a chat's parameters; empty without preferences. */
export function preferencesOf({ provider, sort } = {}) {
  const given = { sort, ...provider };
  const clean = {};
  if (Object.hasOwn(SORTS, given.sort)) clean.sort = given.sort;
  for (const name of LISTS) {
    const slugs = Array.isArray(given[name]) ? given[name].filter((slug) => typeof slug === "string" && slug.length <= 200).slice(0, 100) : [];
    if (slugs.length) clean[name] = slugs;
  }
  if (given.zdr === true) clean.zdr = true;
  if (given.allow_fallbacks === false) clean.allow_fallbacks = false;
  const prices = PRICES.filter((name) => isPrice(given.max_price?.[name])).map((name) => [name, String(given.max_price[name])]);
  if (prices.length) clean.max_price = Object.fromEntries(prices);
  return clean;
}

/** The preferences as short phrases: ["Lowest price", "Only Groq and Azure"]. `nameOf(slug)` is a provider's name. */
export function inWords(preferences, nameOf) {
  const { sort, order, only, ignore, zdr, allow_fallbacks: fallbacks, max_price: price = {} } = preferences;
  const names = (slugs, type = "conjunction") => new Intl.ListFormat("en", { type }).format(slugs.map(nameOf));
  return [
    SORTS[sort],
    order && `${names(order, "unit")} first`,
    only && `Only ${names(only)}`,
    ignore && `Not ${names(ignore, "disjunction")}`,
    zdr && "Zero data retention",
    fallbacks === false && "No fallbacks",
    price.prompt && `Input up to $${price.prompt}/M`,
    price.completion && `Output up to $${price.completion}/M`,
  ].filter(Boolean);
}

const EXCLUSIONS = {
  allowed_providers: "the list of allowed or excluded providers",
  "data_policy:training": "the data policy (may train on prompts)",
  "data_policy:zdr": "the data policy (zero data retention)",
  max_price: "the maximum price",
  quantization: "the quantization",
  require_parameters: "an attachment, tool or parameter that they don't support",
  context_length: "the length of the chat or of the answer",
};

/** Why no provider may serve a model, from the codes of a refusal: "Providers excluded by the maximum price." */
export function exclusionsInWords(codes) {
  const reasons = codes.map((code) => EXCLUSIONS[code]).filter(Boolean);
  return reasons.length ? `All providers of this model are excluded by ${new Intl.ListFormat("en", { type: "conjunction" }).format(reasons)}.` : "";
}
