// The page at /docs: Swagger UI with the rules of this service. It runs in the browser.

const SAVED = "authorized";
const LONGEST_COLORED = 50_000;
const NOT_SENT = "Not sent.";
const ELSEWHERE =
  "Not sent: the answer redirects to another host, and this page connects to its own host only. " +
  "Run the curl command with --location, or open the report_link of a report's answer.";

// Make a view of the document for a person who tries it out: no optional value is filled in.
function prepared(api) {
  for (const operation of operationsOf(api)) {
    (operation.parameters ?? []).forEach(prepareParameter);
    Object.values(operation.requestBody?.content ?? {}).forEach((content) => prepareBody(content, api));
  }
  api.servers = [{ url: new URL(".", location.href).href.replace(/\/$/, "") }];
  return api;
}

// Swagger UI calls the type of a schema with `not` "never". JavaScript rounds a great maximum.
function withoutMisleading(name, value) {
  return name === "not" || (name === "maximum" && value > Number.MAX_SAFE_INTEGER) ? undefined : value;
}

function operationsOf(api) {
  return Object.values(api.paths).flatMap((methods) => Object.values(methods));
}

// Swagger UI fills in an example and a default. Both move into the description.
function prepareParameter(parameter) {
  if (parameter.required) {
    parameter.example = today()[parameter.name] ?? parameter.example;
  } else if (parameter.schema) {
    const { default: preset, ...schema } = parameter.schema;
    parameter.description += hint("Example", parameter.example) + hint("Default", preset);
    parameter.schema = schema;
    delete parameter.example;
  }
}

function hint(name, value) {
  return value === undefined || value === "" ? "" : ` ${name}: \`${value}\`.`;
}

// The first example is filled in. The other one can be selected.
function prepareBody(content, api) {
  const model = api.components.schemas[content.schema.$ref.split("/").pop()];
  const required = Object.fromEntries(
    (model.required ?? []).map((name) => [name, today()[name] ?? content.example[name]]),
  );
  content.examples = {
    required: { summary: "Required members", value: required },
    example: { summary: "Example", value: content.example },
  };
  delete content.example;
}

// The current month has a report. The month of an example mostly has none.
function today() {
  const now = new Date();
  return { year: now.getUTCFullYear(), month: now.getUTCMonth() + 1 };
}

// A request that deletes is sent after a confirmation. The policy of the page forbids a redirect to another host.
function interceptorOf(api) {
  const elsewhere = redirectsOf(api);
  return (request) => {
    if (elsewhere.some((path) => path.test(new URL(request.url).pathname))) throw refusal(ELSEWHERE);
    if (deletes(request) && !confirm(question(request))) throw refusal(NOT_SENT);
    return request;
  };
}

function redirectsOf(api) {
  return Object.entries(api.paths)
    .filter(([, { get }]) => get && !Object.keys(get.responses).some((status) => status.startsWith("2")))
    .map(([path]) => new RegExp(`${path.replace(/[.]/g, "\\.").replace(/{\w+}/g, "[^/]+")}$`));
}

// Swagger UI shows the message without a name.
function refusal(message) {
  return Object.assign(new Error(message), { name: "" });
}

// A lower percent takes members out.
function deletes({ method, body }) {
  const members = Object.entries(parsed(body) ?? {});
  const names = members.filter(([, value]) => value !== null && value.length !== 0).map(([name]) => name);
  return (
    method === "DELETE" ||
    names.some((name) => name.startsWith("delete_")) ||
    (method === "PATCH" && names.includes("user_percent"))
  );
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function question({ method, url, body }) {
  return [`${method} ${url}`, body, "This can delete data. Send it?"].filter(Boolean).join("\n\n");
}

// JSON.parse rounds a number above 2^53, so the source text of each number is kept. A browser without JSON.rawJSON shows
// the whole text as it came.
function exact(text) {
  try {
    return JSON.stringify(JSON.parse(text, keepDigits), null, 2);
  } catch {
    return text;
  }
}

function keepDigits(_name, value, { source }) {
  return typeof value === "number" ? JSON.rawJSON(source) : value;
}

const ExactAnswers = () => ({
  wrapComponents: {
    responseBody: (Original, { React, getComponent }) => (props) => {
      const { content, contentType } = props;
      if (typeof content !== "string") return React.createElement(Original, props);
      const isJson = /json/i.test(contentType);
      if (content.length > LONGEST_COLORED) return titled(React, plain(React, isJson ? exact(content) : content));
      if (!isJson) return React.createElement(Original, props);
      const options = { language: "json", downloadable: true, fileName: "response.json", canCopy: true };
      return titled(React, React.createElement(getComponent("HighlightCode", true), options, exact(content)));
    },
  },
});

function titled(React, shown) {
  return React.createElement("div", null, React.createElement("h5", null, "Response body"), shown);
}

// The browser stops responding while Swagger UI colors a long text.
function plain(React, text) {
  const code = React.createElement("pre", { className: "microlight" }, React.createElement("code", null, text));
  return React.createElement("div", { className: "highlight-code" }, code);
}

const FoldedErrors = () => ({
  wrapComponents: {
    response: (Original, { React }) => (props) => {
      const [open, setOpen] = React.useState(props.code < "400");
      const shown = open ? props.response : props.response.delete("content").delete("headers");
      const button = { type: "button", className: "btn btn-sm", "aria-expanded": open, onClick: () => setOpen(!open) };
      return React.createElement(
        React.Fragment,
        null,
        React.createElement(Original, { ...props, response: shown }),
        props.code >= "400" && row(React, React.createElement("button", button, open ? "Hide example" : "Show example")),
      );
    },
  },
});

function row(React, content) {
  return React.createElement("tr", null, React.createElement("td"), React.createElement("td", null, content));
}

// The token survives a reload of the tab, and ends with the tab.
const KeptToken = () => ({
  statePlugins: {
    auth: {
      wrapActions: {
        persistAuthorizationIfNeeded: (_original, { authSelectors }) => () =>
          sessionStorage.setItem(SAVED, JSON.stringify(authSelectors.authorized())),
      },
    },
  },
});

function restoreToken(ui) {
  const authorized = parsed(sessionStorage.getItem(SAVED));
  if (authorized) ui.authActions.restoreAuthorization({ authorized });
}

async function show() {
  const text = await (await fetch("openapi.json")).text();
  const api = prepared(JSON.parse(text, withoutMisleading));
  const ui = SwaggerUIBundle({
    spec: api,
    dom_id: "#swagger-ui",
    deepLinking: true,
    tryItOutEnabled: true,
    validatorUrl: "none",
    showMutatedRequest: false, // a request that is not sent has no mutated form
    requestInterceptor: interceptorOf(api),
    plugins: [ExactAnswers, FoldedErrors, KeptToken],
    onComplete: () => restoreToken(ui),
  });
}

show().catch((error) => {
  document.getElementById("swagger-ui").textContent = `The page cannot show openapi.json. Reload it. ${error}`;
});
