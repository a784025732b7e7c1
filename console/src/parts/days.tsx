/** The choice of how many days a chart goes back. */

interface Props {
  /** The numbers of days, with their names. */
  choices: Record<string, string>;
  value: string;
  onChange: (days: string) => void;
}

export function Days({ choices, value, onChange }: Props) {
  return (
    <fieldset class="range">
      <legend class="hidden">Range</legend>
      {Object.entries(choices).map(([days, name]) => (
        <label key={days}>
          <input type="radio" name="range" value={days} checked={value === days} onChange={() => onChange(days)} />
          {name}
        </label>
      ))}
    </fieldset>
  );
}
