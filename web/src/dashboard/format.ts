/** Numbers and times as the reader's language writes them. */

const whole = new Intl.NumberFormat();
const compact = new Intl.NumberFormat(undefined, { notation: 'compact', maximumFractionDigits: 1 });
const roughPercent = new Intl.NumberFormat(undefined, {
  style: 'percent',
  maximumFractionDigits: 1,
});
const finePercent = new Intl.NumberFormat(undefined, {
  style: 'percent',
  maximumFractionDigits: 2,
});
const fineMillis = inUnit('millisecond', 1);
const roughMillis = inUnit('millisecond', 0);
const seconds = inUnit('second', 1);
const time = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const moment = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
const utc = new Intl.DateTimeFormat(undefined, {
  dateStyle: 'medium',
  timeStyle: 'long',
  timeZone: 'UTC',
});
const day = new Intl.DateTimeFormat(undefined, { day: 'numeric', month: 'short', timeZone: 'UTC' });
const longDay = new Intl.DateTimeFormat(undefined, { dateStyle: 'full', timeZone: 'UTC' });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

/** What stands where there is nothing to say: an empty shop has no error rate, and not one of 0 %. */
export const NO_DATA = 'no data';

export function count(value: number | string): string {
  return whole.format(typeof value === 'string' ? BigInt(value) : value);
}

export function shortCount(value: number): string {
  return compact.format(value);
}

/** A percentage, given as one. Never rounded to a perfect 0 or 100 that it is not. */
export function percent(value: number | null | undefined): string {
  if (value === null || value === undefined) return NO_DATA;
  if (value > 0 && value < 0.01) return `< ${finePercent.format(0.0001)}`;
  if (value > 99.99 && value < 100) return `> ${finePercent.format(0.9999)}`;
  return (value < 1 || value > 99 ? finePercent : roughPercent).format(value / 100);
}

export function milliseconds(value: number | null | undefined): string {
  if (value === null || value === undefined) return NO_DATA;
  if (value >= 10_000) return seconds.format(value / 1000);
  return (value < 10 ? fineMillis : roughMillis).format(value);
}

/** Exact for any amount: it never becomes a floating point number. */
export function money(amount: string, currency: string): string {
  const format = new Intl.NumberFormat(undefined, { style: 'currency', currency });
  return format.format(amount as Intl.StringNumericLiteral);
}

export function timeOfDay(at: number): string {
  return time.format(at);
}

export function localTime(at: string): string {
  return moment.format(Date.parse(at));
}

export function utcTime(at: string): string {
  return utc.format(Date.parse(at));
}

/** A day of the calendar (UTC), such as "22 Nov". */
export function shortDay(date: string): string {
  return day.format(Date.parse(date));
}

export function fullDay(date: string): string {
  return longDay.format(Date.parse(date));
}

/** How long ago, such as "3 min. ago". */
export function ago(at: string, now: number): string {
  const passed = Math.min(0, Math.round((Date.parse(at) - now) / 1000));
  if (passed > -5) return 'just now';
  if (passed > -60) return relative.format(passed, 'second');
  if (passed > -3600) return relative.format(Math.round(passed / 60), 'minute');
  if (passed > -86_400) return relative.format(Math.round(passed / 3600), 'hour');
  return relative.format(Math.round(passed / 86_400), 'day');
}

export function plural(number: number, one: string, many: string): string {
  return `${count(number)} ${number === 1 ? one : many}`;
}

function inUnit(unit: string, maximumFractionDigits: number): Intl.NumberFormat {
  return new Intl.NumberFormat(undefined, { style: 'unit', unit, maximumFractionDigits });
}
