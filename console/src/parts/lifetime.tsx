/** The lifetime of new memberships: none, a duration, or an end. */
import { asField, fromField } from "../format";
import { Choice, Moment } from "./form";

export interface ChosenLifetime {
  choice: string;
  until: string;
}

const DAY = 86_400;

export const NO_END: ChosenLifetime = { choice: "", until: asField(new Date(Date.now() + 7 * DAY * 1000)) };

const OPTIONS = {
  "": "no end",
  "3600": "1 hour",
  "86400": "1 day",
  "604800": "7 days",
  "2592000": "30 days",
  "7776000": "90 days",
  until: "until a date …",
};

interface Props {
  value: ChosenLifetime;
  onChange: (value: ChosenLifetime) => void;
  error?: unknown;
}

export function LifetimeField({ value, onChange, error }: Props) {
  return (
    <>
      <Choice
        label="Lifetime"
        name="ttl"
        value={value.choice}
        options={OPTIONS}
        onChange={(choice) => onChange({ ...value, choice })}
        error={error}
      />
      {value.choice === "until" && (
        <Moment
          label="End"
          name="expires_at"
          value={value.until}
          onChange={(until) => onChange({ ...value, until })}
          error={error}
        />
      )}
    </>
  );
}

/** Return the members of a request for a lifetime. */
export function membersOf({ choice, until }: ChosenLifetime): { ttl?: number; expires_at?: string } {
  if (choice === "") return {};
  return choice === "until" ? { expires_at: fromField(until) ?? until } : { ttl: Number(choice) };
}
