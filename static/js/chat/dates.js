/* Dates and durations as text. */

const DAY = 86_400_000;

/** Heading for a time in ms: Today, Yesterday, Previous 7 days, Previous 30 days, else the month. */
export function groupOf(moment, now = Date.now()) {
  const midnight = new Date(now).setHours(0, 0, 0, 0);
  if (moment >= midnight) return "Today";
  if (moment >= midnight - DAY) return "Yesterday";
  if (moment >= midnight - 7 * DAY) return "Previous 7 days";
  if (moment >= midnight - 30 * DAY) return "Previous 30 days";
  return new Date(moment).toLocaleDateString("en", { month: "long", year: "numeric" });
}

/** "0.7 s", "12 s", "2 min 5 s" from milliseconds. */
export function duration(milliseconds) {
  const seconds = milliseconds / 1000;
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 60) return `${Math.round(seconds)} s`;
  return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}
