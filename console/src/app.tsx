/** The frame of the page, and the screen of each address. */
import { Link, Redirect, Route, Router, Switch, useLocation } from "wouter-preact";
import { useHashLocation } from "wouter-preact/use-hash-location";

import { Notices } from "./parts/notice";
import { Empty } from "./parts/loaded";
import { Screen } from "./parts/screen";
import { JobsScreen } from "./screens/jobs/jobs";
import { SegmentScreen } from "./screens/segment/segment";
import { NewSegmentScreen } from "./screens/segments/new";
import { SegmentsScreen } from "./screens/segments/segments";
import { SignInDialog, SignInScreen } from "./screens/sign_in";
import { FindUserScreen } from "./screens/user/find";
import { UserScreen } from "./screens/user/user";
import { caller, isOpen, signOut } from "./session";

const SCREENS = [
  { to: "/segments", text: "Segments" },
  { to: "/users", text: "Users" },
  { to: "/jobs", text: "Reports and jobs" },
];

export function App() {
  return (
    <Router hook={useHashLocation}>
      <a class="skip" href="#main" onClick={skip}>
        Skip to the content
      </a>
      <Header />
      <main id="main" tabIndex={-1}>
        <Switch>
          <Route path="/">
            <Redirect to="/segments" replace />
          </Route>
          <Route path="/sign-in" component={SignInScreen} />
          <Route path="/segments" component={SegmentsScreen} />
          <Route path="/segments/new" component={NewSegmentScreen} />
          <Route path="/segments/:slug/:part?">{({ slug, part }) => <SegmentScreen key={slug} slug={slug} part={part} />}</Route>
          <Route path="/users" component={FindUserScreen} />
          <Route path="/users/:id/:part?">{({ id, part }) => <UserScreen key={id} id={id} part={part} />}</Route>
          <Route path="/jobs" component={JobsScreen} />
          <Route>
            <Screen title="Not found">
              <Empty title="The console has no screen at this address.">
                <Link href="/segments">See the segments</Link>
              </Empty>
            </Screen>
          </Route>
        </Switch>
      </main>
      <Notices />
      <SignInDialog />
    </Router>
  );
}

function Header() {
  const [location] = useLocation();
  return (
    <header class="top">
      <nav aria-label="Screens">
        <Link href="/segments" class="brand">
          segmentation
        </Link>
        <ul>
          {SCREENS.map(({ to, text }) => (
            <li key={to}>
              <Link href={to} aria-current={location.startsWith(to) ? "page" : undefined}>
                {text}
              </Link>
            </li>
          ))}
        </ul>
        <Account />
      </nav>
    </header>
  );
}

function Account() {
  if (isOpen.value) return <small class="account">no sign-in needed</small>;
  if (caller.value === null) return null;
  return (
    <span class="account">
      <small>
        {caller.value.subject} <span class="badge">{caller.value.role}</span>
      </small>
      <button type="button" class="secondary outline small" onClick={signOut}>
        Sign out
      </button>
    </span>
  );
}

function skip(event: Event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}
