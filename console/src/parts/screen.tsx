/** The frame of a screen: its heading, and its place in the title of the tab. */
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { Link, useLocation } from "wouter-preact";

interface ScreenProps {
  title: string;
  above?: ComponentChildren;
  actions?: ComponentChildren;
  children: ComponentChildren;
}

let isFirst = true;

export function Screen({ title, above, actions, children }: ScreenProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · segmentation`;
    // a screen reader then reads the new screen; the first one is read anyway
    if (!isFirst) heading.current?.focus({ preventScroll: true });
    isFirst = false;
  }, [title]);
  return (
    <>
      {above && <p class="above">{above}</p>}
      <div class="heading">
        <h1 ref={heading} tabIndex={-1}>
          {title}
        </h1>
        {actions && <div class="actions">{actions}</div>}
      </div>
      {children}
    </>
  );
}

/** The parts of a screen, each with its own address. */
export function Tabs({ label, tabs }: { label: string; tabs: { to: string; text: string }[] }) {
  const [location] = useLocation();
  return (
    <nav class="tabs" aria-label={label}>
      <ul>
        {tabs.map(({ to, text }) => (
          <li key={to}>
            <Link href={to} aria-current={location === to ? "page" : undefined}>
              {text}
            </Link>
          </li>
        ))}
      </ul>
    </nav>
  );
}

export function Card({ title, children, wide }: { title: string; children: ComponentChildren; wide?: boolean }) {
  return (
    <section class={wide ? "card wide" : "card"}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

export function Figures({ figures }: { figures: [string, ComponentChildren][] }) {
  return (
    <dl class="figures">
      {figures.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

/** A table that scrolls by itself on a narrow screen. */
export function Table({ label, columns, children }: { label: string; columns: string[]; children: ComponentChildren }) {
  const table = useRef<HTMLTableElement>(null);
  useEffect(() => {
    // on a phone, each cell shows the name of its column
    for (const { cells } of table.current?.tBodies[0].rows ?? []) {
      columns.forEach((column, index) => column && cells[index]?.setAttribute("data-column", column));
    }
  });
  return (
    <div class="scroll" role="region" aria-label={label} tabIndex={0}>
      <table ref={table}>
        <caption class="hidden">{label}</caption>
        <thead>
          <tr>
            {columns.map((column) =>
              column ? (
                <th key={column} scope="col">
                  {column}
                </th>
              ) : (
                <td key="actions" />
              ),
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
