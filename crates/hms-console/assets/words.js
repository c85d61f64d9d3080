// Numbers in words. What is not known is a dash.

const NOTHING = "–";
const whole = new Intl.NumberFormat(undefined, { maximumFractionDigits: 0 });
const tenths = new Intl.NumberFormat(undefined, { maximumFractionDigits: 1 });
const percent = new Intl.NumberFormat(undefined, { style: "percent", maximumFractionDigits: 1 });

const known = (value, say) => (value === null || value === undefined ? NOTHING : say(value));

export const count = (value) => known(value, (number) => whole.format(number));
export const mean = (value) => known(value, (number) => tenths.format(number));
export const share = (value) => known(value, (number) => percent.format(number));
export const minutes = (seconds) => known(seconds, (number) => `${tenths.format(number / 60)} min`);
export const hours = (amount) => known(amount, (number) => `${tenths.format(number / 60)} h`);

/** Minor units as people write them; how many decimals a currency has, the browser knows. */
export function money(amount, currency) {
  return known(amount, (number) => {
    const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
    return format.format(major(number, currency));
  });
}

/** Minor units as a number of whole ones, for the axis of a chart. */
export function major(amount, currency) {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency });
  return amount / 10 ** format.resolvedOptions().maximumFractionDigits;
}

/** Whole ones of a currency for the axis of a chart, and short: `$160K`. */
export const short = (currency) => {
  const format = new Intl.NumberFormat(undefined, { style: "currency", currency, notation: "compact", maximumFractionDigits: 1 });
  return (number) => format.format(number);
};

/** A moment by the clocks of a zone. */
export const moment = (text, zone) => new Date(text).toLocaleString(undefined, { timeZone: zone });
