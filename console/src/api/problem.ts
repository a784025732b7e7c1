/** An error of the service, or of the way to it. */
export interface FieldError {
  location: string;
  message: string;
}

interface ProblemDocument {
  title?: string;
  detail?: string;
  errors?: FieldError[];
  request_id?: string;
}

export class Problem extends Error {
  readonly errors: FieldError[];
  readonly requestId: string | null;
  readonly retryAfter: number;

  constructor(
    readonly status: number,
    readonly document: ProblemDocument,
    headers: Headers = new Headers(),
  ) {
    super(document.detail ?? document.title ?? `The service answered ${status}.`);
    this.errors = document.errors ?? [];
    this.requestId = headers.get("x-request-id");
    this.retryAfter = Number(headers.get("retry-after") ?? 1);
  }

  /** Return what is wrong with a member of the request: `slug` finds `body.slug` and `query.slug`. */
  of(name: string): string | null {
    return this.errors.find((error) => isAt(error.location, name))?.message ?? null;
  }

  /** Return the errors that none of these fields shows. */
  besides(names: string[]): FieldError[] {
    return this.errors.filter((error) => !names.some((name) => isAt(error.location, name)));
  }

  get isTemporary(): boolean {
    return [0, 429, 502, 503, 504].includes(this.status);
  }
}

export const NOT_REACHED = new Problem(0, {
  title: "No connection",
  detail: "The service cannot be reached. Check the network. The page tries again.",
});

export function problemOf(error: unknown): Problem | null {
  if (error === null || error === undefined) return null;
  return error instanceof Problem ? error : new Problem(0, { detail: String(error) });
}

function isAt(location: string, name: string): boolean {
  const [, ...path] = location.split(".");
  return path.join(".") === name || path[0] === name;
}
