/** Numbers, instants and durations as a person reads them. */
import { signal } from "@preact/signals";
import { formatDuration, intervalToDuration } from "date-fns";

const LANGUAGE = "en-GB";
const NUMBER = new Intl.NumberFormat(LANGUAGE);
const PERCENT = new Intl.NumberFormat(LANGUAGE, { maximumFractionDigits: 2 });
const DAY = new Intl.DateTimeFormat(LANGUAGE, { timeZone: "UTC", day: "numeric", month: "short", year: "numeric" });
const TIME: Intl.DateTimeFormatOptions = { hour: "2-digit", minute: "2-digit" };
const UTC = new Intl.DateTimeFormat(LANGUAGE, { timeZone: "UTC", day: "numeric", month: "short", year: "numeric", ...TIME });
const LOCAL_TIME = new Intl.DateTimeFormat(LANGUAGE, { ...TIME, timeZoneName: "short" });
const LOCAL = new Intl.DateTimeFormat(LANGUAGE, { day: "numeric", month: "short", ...TIME, timeZoneName: "short" });

/** The present, for lifetimes that run out on the screen. */
export const now = signal(Date.now());
setInterval(() => {
  now.value = Date.now();
}, 15_000);

export const number = (value: number): string => NUMBER.format(value);
export const percent = (value: number | null | undefined): string => (value == null ? "none" : `${PERCENT.format(value)} %`);
export const plural = (count: number, noun: string): string => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
export const day = (text: string): string => DAY.format(new Date(text));
export const utc = (text: string): string => `${UTC.format(new Date(text))} UTC`;

/** Return the same instant in the zone of this machine, with its date if that differs. Empty in UTC. */
export function local(text: string): string {
  const date = new Date(text);
  if (date.getTimezoneOffset() === 0) return "";
  return date.getDate() === date.getUTCDate() ? LOCAL_TIME.format(date) : LOCAL.format(date);
}

/** Return the two largest units of a duration: "3 days 4 hours". */
export function duration(milliseconds: number): string {
  const units = intervalToDuration({ start: 0, end: Math.max(milliseconds, 0) });
  const named = (["years", "months", "days", "hours", "minutes", "seconds"] as const).filter((unit) => units[unit]);
  return formatDuration(units, { format: named.slice(0, 2) }) || "less than a second";
}

export function remaining(expiresAt: string | null): string {
  return expiresAt === null ? "no end" : `${duration(Date.parse(expiresAt) - now.value)} left`;
}

export function ago(text: string): string {
  return `${duration(now.value - Date.parse(text))} ago`;
}

/** Return an instant as a field of type datetime-local takes it, in the zone of this machine. */
export function asField(date: Date): string {
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 16);
}

/** Return the instant of a field of type datetime-local, or null while it is incomplete. */
export function fromField(text: string): string | null {
  const date = new Date(text);
  return Number.isNaN(date.getTime()) ? null : date.toISOString();
}
