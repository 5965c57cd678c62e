// The filters beside a list: links that choose or take back one value, with how many entries each would leave.
import { changedList } from './links.ts';
import { numberText } from './parts.tsx';
import { type ChosenView, type FacetValueView } from './view.ts';

const facetTitles = [
  ['os', 'Operating system'],
  ['os-version', 'Version'],
  ['os-arch', 'Architecture'],
  ['kind', 'Kind'],
  ['format', 'Format'],
  ['hypervisor', 'Hypervisor'],
  ['location', 'Kept at'],
] as const;

export type FacetsView = Readonly<Record<(typeof facetTitles)[number][0], readonly FacetValueView[]>>;

/** How the parameters of a list are called where they are shown as chosen. */
export const parameterTitles: ReadonlyMap<string, string> = new Map<string, string>([
  ...facetTitles,
  ['q', 'Words'],
  ['identifier', 'Image'],
  ['email', 'Endorser'],
  ['created', 'Endorsed'],
  ['tag', 'Tag'],
  ['admitted', 'Admitted here'],
]);

const valueTitles: ReadonlyMap<string, string> = new Map([
  ['web', 'a web server'],
  ['pdisk', 'a disk server'],
]);

function FacetLinks(props: {
  readonly name: string;
  readonly title: string;
  readonly values: readonly FacetValueView[];
  readonly chosen: ChosenView;
}) {
  const { name, title, values, chosen } = props;
  const active = chosen[name];
  if (values.length === 0 && active === undefined) return undefined;
  const listed =
    active === undefined || values.some(({ value }) => value === active)
      ? values
      : [{ value: active, count: 0 }, ...values];
  return (
    <section class="facet">
      <h2>{title}</h2>
      <ul>
        {listed.map(({ value, count }) => {
          const isChosen = value === active;
          return (
            <li key={value}>
              <a
                href={changedList(chosen, name, isChosen ? undefined : value)}
                {...(isChosen ? { 'aria-current': 'true' as const } : {})}
              >
                <span class="value">{name === 'location' ? (valueTitles.get(value) ?? value) : value}</span>
                <span class="count">{numberText(count)}</span>
              </a>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

/** What the policy lets pass can be chosen, not counted: it depends on the moment. */
function PolicyLink({ chosen }: { chosen: ChosenView }) {
  const isChosen = chosen['admitted'] === 'true';
  return (
    <section class="facet">
      <h2>Policy of this site</h2>
      <ul>
        <li>
          <a
            href={changedList(chosen, 'admitted', isChosen ? undefined : 'true')}
            {...(isChosen ? { 'aria-current': 'true' as const } : {})}
          >
            <span class="value">Only what is admitted</span>
          </a>
        </li>
      </ul>
    </section>
  );
}

export function Facets({ facets, chosen }: { facets: FacetsView; chosen: ChosenView }) {
  return (
    <div class="facets">
      <PolicyLink chosen={chosen} />
      {facetTitles.map(([name, title]) => (
        <FacetLinks key={name} name={name} title={title} values={facets[name]} chosen={chosen} />
      ))}
    </div>
  );
}
