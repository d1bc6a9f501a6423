/* Money as the server sends it: exact decimal dollars in text, added up as whole pico-dollars. */

const PICO_DIGITS = 12;

/** Whole pico-dollars in "0.00123" (a BigInt); zero for anything else. */
export function pico(text) {
  const found = /^(\d+)(?:\.(\d{1,12}))?$/.exec(text ?? "");
  if (!found) return 0n;
  return BigInt(found[1]) * 10n ** 12n + BigInt((found[2] ?? "").padEnd(PICO_DIGITS, "0"));
}

/** "$0.0062" from pico-dollars: cents from a dollar on, below that four significant digits. */
export function usd(amount) {
  if (amount === 0n) return "$0";
  const whole = amount / 10n ** 12n;
  const digits = (amount % 10n ** 12n).toString().padStart(PICO_DIGITS, "0");
  if (whole > 0n) return `$${whole.toLocaleString("en")}.${digits.slice(0, 2)}`;
  const zeros = /^0*/.exec(digits)[0].length;
  return `$0.${digits.slice(0, Math.min(PICO_DIGITS, Math.max(2, zeros + 3))).replace(/0+$/, "").padEnd(2, "0")}`;
}

/** "$2.50" per million from a price per token in text ("0.0000025"). */
export function perMillion(price) {
  const amount = pico(price) * 1_000_000n;
  if (amount === 0n) return "$0";
  const whole = amount / 10n ** 12n;
  const digits = (amount % 10n ** 12n).toString().padStart(PICO_DIGITS, "0").slice(0, 6).replace(/0+$/, "");
  return `$${whole.toLocaleString("en")}.${digits.padEnd(2, "0")}`;
}
