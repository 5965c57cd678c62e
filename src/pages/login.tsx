// Where operators sign in with the token of the server.
import { Layout, pageText } from './layout.tsx';
import { type SiteView } from './view.ts';

export interface LoginProps {
  readonly site: SiteView;
  /** Path of the page to go on to. */
  readonly next: string;
  /** A token was sent, and is not the one. */
  readonly wrong?: boolean;
}

export function loginPage({ site, next, wrong = false }: LoginProps): string {
  return pageText(
    <Layout site={site} title="Sign in" section="cache">
      <div class="top narrow">
        <h1>Sign in as an operator</h1>
        <p class="about">
          Who runs this server may see and change its cache and its jobs. Everything else here needs no account.
        </p>
      </div>
      <div class="narrow">
        {wrong ? (
          <p class="notice bad" id="wrong" role="alert">
            That is not the token of this server.
          </p>
        ) : undefined}
        <form class="panel sign-in" action="/login" method="post">
          <input type="hidden" name="next" value={next} />
          {/* Where browsers keep passwords they want a name to keep them under. */}
          <input type="text" name="username" value="operator" autocomplete="username" readOnly hidden />
          <label>
            <span>Operator token</span>
            <input
              type="password"
              name="token"
              autocomplete="current-password"
              required
              {...(wrong
                ? { 'aria-invalid': 'true' as const, 'aria-describedby': 'wrong where' }
                : { 'aria-describedby': 'where' })}
            />
          </label>
          <p id="where" class="hint">
            It is in the file <code>operator.token</code> in the data folder of the server, which only its owner can
            read.
          </p>
          <button type="submit">Sign in</button>
        </form>
      </div>
    </Layout>,
  );
}
