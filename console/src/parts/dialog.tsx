import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

interface Props {
  title: string;
  /** Without it, the dialog can only be answered. */
  onClose?: () => void;
  children: ComponentChildren;
}

/** A modal dialog. The browser keeps the focus in it, and gives it back at the end. */
export function Dialog({ title, onClose, children }: Props) {
  const element = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opened = element.current;
    opened?.showModal();
    return () => opened?.close();
  }, []);
  const cancel = (event: Event) => {
    event.preventDefault();
    onClose?.();
  };
  const closed = () => {
    // a browser closes a dialog at a second Escape, even one that has to be answered
    if (onClose) onClose();
    else if (element.current?.isConnected) element.current.showModal();
  };
  return (
    <dialog ref={element} aria-labelledby={id} onCancel={cancel} onClose={closed}>
      <article>
        <header>
          {onClose && <button type="button" class="close" aria-label="Close" onClick={onClose} />}
          <h2 id={id}>{title}</h2>
        </header>
        {children}
      </article>
    </dialog>
  );
}
