/** Forms: fields with the service's own errors beside them. */
import type { ComponentChildren, JSX } from "preact";
import { useId } from "preact/hooks";

import { problemOf } from "../api/problem";
import { asField, fromField, local, utc } from "../format";
import { ProblemNotice } from "./notice";

type Attributes = { id: string; "aria-describedby": string | undefined; "aria-invalid": "true" | undefined };

interface FieldProps {
  label: string;
  /** The member of the request, by which the service names it in an error. */
  name: string;
  error?: unknown;
  hint?: ComponentChildren;
  children: (attributes: Attributes) => ComponentChildren;
}

export function Field({ label, name, error, hint, children }: FieldProps) {
  const id = useId();
  const message = problemOf(error)?.of(name);
  const described = [hint ? `${id}-hint` : "", message ? `${id}-error` : ""].filter(Boolean).join(" ");
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": described || undefined, "aria-invalid": message ? "true" : undefined })}
      {message && (
        <small id={`${id}-error`} class="error">
          {message}
        </small>
      )}
      {hint && <small id={`${id}-hint`}>{hint}</small>}
    </div>
  );
}

interface FormProps {
  label: string;
  submit: string;
  busy: boolean;
  error?: unknown;
  fields: string[];
  disabled?: boolean;
  danger?: boolean;
  onSubmit: () => void;
  children: ComponentChildren;
  extra?: ComponentChildren;
}

/** A form that sends nothing twice. The browser's own checks are off: the service's messages are better. */
export function Form({ label, submit, busy, error, fields, disabled, danger, onSubmit, children, extra }: FormProps) {
  const send = (event: JSX.TargetedSubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    if (!busy && !disabled) onSubmit();
  };
  return (
    <form aria-label={label} noValidate onSubmit={send}>
      {children}
      <ProblemNotice error={error} fields={fields} />
      <div class="actions">
        <button type="submit" class={danger ? "danger" : undefined} aria-busy={busy} disabled={disabled}>
          {submit}
        </button>
        {extra}
      </div>
    </form>
  );
}

interface TextProps {
  label: string;
  name: string;
  value: string;
  onChange: (value: string) => void;
  error?: unknown;
  hint?: ComponentChildren;
  type?: string;
  list?: string;
  placeholder?: string;
  autocomplete?: string;
  autofocus?: boolean;
  rows?: number;
}

export function Text({ label, name, value, onChange, error, hint, rows, ...rest }: TextProps) {
  return (
    <Field label={label} name={name} error={error} hint={hint}>
      {(attributes) =>
        rows ? (
          <textarea {...attributes} rows={rows} value={value} onInput={(event) => onChange(event.currentTarget.value)} />
        ) : (
          <input
            type="text"
            autocomplete="off"
            spellcheck={false}
            {...rest}
            {...attributes}
            value={value}
            onInput={(event) => onChange(event.currentTarget.value)}
          />
        )
      }
    </Field>
  );
}

interface ChoiceProps {
  label: string;
  name: string;
  value: string;
  options: Record<string, string>;
  onChange: (value: string) => void;
  error?: unknown;
  hint?: ComponentChildren;
}

export function Choice({ label, name, value, options, onChange, error, hint }: ChoiceProps) {
  return (
    <Field label={label} name={name} error={error} hint={hint}>
      {(attributes) => (
        <select {...attributes} value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          {Object.entries(options).map(([key, text]) => (
            <option key={key} value={key}>
              {text}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}

interface MomentProps {
  label: string;
  name: string;
  value: string;
  onChange: (value: string) => void;
  error?: unknown;
  max?: Date;
}

/** A date and a time in the zone of this machine. The hint says the same instant in UTC. */
export function Moment({ label, name, value, onChange, error, max }: MomentProps) {
  const instant = fromField(value);
  const zone = local(instant ?? new Date().toISOString()).split(" ").slice(1).join(" ") || "UTC";
  return (
    <Text
      label={`${label} (${zone})`}
      name={name}
      type="datetime-local"
      value={value}
      onChange={onChange}
      error={error}
      hint={instant ? utc(instant) : undefined}
      {...(max ? { max: asField(max) } : {})}
    />
  );
}

export function Comment({ value, onChange, error }: { value: string; onChange: (value: string) => void; error?: unknown }) {
  return (
    <Text
      label="Comment"
      name="comment"
      value={value}
      onChange={onChange}
      error={error}
      hint="Why. The history and the change log show it."
    />
  );
}
