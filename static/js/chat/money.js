/* Money: the server sends exact decimal dollars as text; sums are whole pico-dollars (10^-12 USD) in a BigInt.

   One rule shows every amount, here and on the server:
   - A whole number of cents is exact, with two decimals: $0.00, $0.10, $25.00, $1,234.50.
   - Other amounts from $1 on are rounded half up to the cent: 24.999859 is $25.00.
   - Other amounts below $1 are rounded half up to three significant digits, without trailing zeros but with at
     least two decimals: 0.0234567 is $0.0235, 0.000141 is $0.000141. So only zero reads $0.00.
   - Where the exact figure belongs (a request's cost in its details, a price), every digit is shown, without
     trailing zeros but with at least two decimals: $0.000141, $25.00.
   A minus sign stands before the dollar sign, and half up means away from zero. */

const PICO_DIGITS = 12;
const DOLLAR = 10n ** 12n;
const CENT = 10n ** 10n;
const SIGNIFICANT_DIGITS = 3;

/** Whole pico-dollars in "0.00123" (a BigInt); zero for anything else. */
export function pico(text) {
  return shifted(text, PICO_DIGITS);
}

/** The cost of an answer and of the earlier parts that it continues, in pico-dollars (a BigInt). */
export function costOf({ meta, earlier = [] }) {
  return earlier.reduce((sum, { cost }) => sum + pico(cost), pico(meta?.cost));
}

/** An amount of pico-dollars as "$0.0235"; with `exact`, every digit: "$0.0234567". */
export function usd(amount, { exact = false } = {}) {
  const size = amount < 0n ? -amount : amount;
  const shown = exact ? size : rounded(size);
  const decimals = (shown % DOLLAR).toString().padStart(PICO_DIGITS, "0").replace(/0+$/, "").padEnd(2, "0");
  return `${amount < 0n ? "-" : ""}$${(shown / DOLLAR).toLocaleString("en")}.${decimals}`;
}

/** The price of a million tokens, "$2.50", from the price of one in text: "0.0000025". */
export function perMillion(price) {
  return usd(shifted(price, PICO_DIGITS + 6), { exact: true });
}

/** The cost of `count` tokens at a price of one in text, in pico-dollars (a BigInt), rounded down. */
export function costOfTokens(count, price) {
  return (shifted(price, PICO_DIGITS + 6) * BigInt(count)) / 10n ** 6n;
}

function rounded(size) {
  const toCents = size >= DOLLAR || size % CENT === 0n;
  const unit = toCents ? CENT : 10n ** BigInt(Math.max(0, size.toString().length - SIGNIFICANT_DIGITS));
  return ((size + unit / 2n) / unit) * unit;
}

/** The decimal number in `text` times 10^`places`, as a BigInt; zero unless that is a whole number. */
function shifted(text, places) {
  const found = /^(\d+)(?:\.(\d+?)0*)?$/.exec(text ?? "");
  const decimals = found?.[2] ?? "";
  return found && decimals.length <= places ? BigInt(found[1] + decimals.padEnd(places, "0")) : 0n;
}
