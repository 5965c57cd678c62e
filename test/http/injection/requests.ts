// Every request of the API with a text in one of its places: path, query, body, form, header. The places come from the
// description of the API, which another test holds against the routes.
import { openApiDocument } from '../../../src/http/openapi.ts';

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
}

interface Operation {
  readonly parameters: readonly { readonly name: string; readonly in: 'path' | 'query' }[];
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> };
}

interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

type Pointer = readonly (string | number)[];

/** Where a body may hold a value: the body itself, its fields, theirs. */
function pointersInto(schema: Schema): readonly Pointer[] {
  const within = (step: string | number, inner: Schema): Pointer[] =>
    pointersInto(inner).map((pointer) => [step, ...pointer]);
  return [
    [],
    ...Object.entries(schema.properties ?? {}).flatMap(([name, inner]) => within(name, inner)),
    ...(schema.items === undefined ? [] : within(0, schema.items)),
    ...[...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])].flatMap((inner) =>
      pointersInto(inner).filter((pointer) => pointer.length > 0),
    ),
  ];
}

function valueAt([step, ...rest]: Pointer, text: string, besides: Readonly<Record<string, string>>): unknown {
  if (step === undefined) return text;
  const inner = valueAt(rest, text, {});
  return typeof step === 'number' ? [inner] : { ...besides, [step]: inner };
}

export interface Injection {
  readonly method: string;
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | FormData;
  /** The route and the parameter that the text stands in. */
  readonly route: string;
  readonly parameter: string;
}

const formType = 'application/x-www-form-urlencoded';

function inBody(route: string, method: string, path: string, operation: Operation, text: string): readonly Injection[] {
  return Object.entries(operation.requestBody?.content ?? {}).flatMap(([type, { schema }]) =>
    pointersInto(schema).flatMap((pointer): Injection[] => {
      const besides = Object.fromEntries(Object.keys(schema.properties ?? {}).map((name) => [name, 'x']));
      const value = valueAt(pointer, text, besides);
      const common = { method, path, route, parameter: pointer.join('.'), headers: { 'content-type': type } };
      if (type !== formType) return [{ ...common, body: JSON.stringify(value) }];
      if (pointer.length !== 1) return [];
      return [{ ...common, body: new URLSearchParams(value as Record<string, string>).toString() }];
    }),
  );
}

/** What the description of the API does not name: the representation, and parameters that there are not. */
const everywhere = ['media', 'no-such-parameter'];

/** Events never end, so they are asked for in a test of their own. */
const endless = '/events';

/** Each operation with the text in each of its places in turn, and something harmless in the others. */
export function injectionsOf(text: string): readonly Injection[] {
  const { paths } = openApiDocument() as Described;
  const encoded = encodeURIComponent(text);
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.entries(operations).flatMap(([method, operation]) => {
      if (path === endless) return [];
      const route = `${method} ${path}`;
      const filled = (name?: string): string =>
        path.replaceAll(/\{(\w+)\}/gu, (_, other: string) => (other === name ? encoded : 'x'));
      const of = (place: 'path' | 'query'): string[] =>
        operation.parameters.filter((parameter) => parameter.in === place).map(({ name }) => name);
      return [
        ...of('path').map((parameter) => ({ method, path: filled(parameter), route, parameter })),
        ...[...of('query'), ...everywhere].map((parameter) => ({
          method,
          path: `${filled()}?${parameter}=${encoded}`,
          route,
          parameter,
        })),
        { method, path: `${filled()}?${encoded}=x`, route, parameter: 'the name of a parameter' },
        ...inBody(route, method, filled(), operation, text),
      ];
    }),
  );
}

/** Headers that the server looks at. */
export const readHeaders = [
  'accept',
  'authorization',
  'content-type',
  'if-none-match',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
] as const;

/** Requests with the text in each header in turn. */
export function injectionsInHeaders(text: string): readonly Injection[] {
  const { paths } = openApiDocument() as Described;
  return Object.entries(paths).flatMap(([path, operations]) =>
    Object.keys(operations).flatMap((method) => {
      if (path === endless) return [];
      return readHeaders.map((name) => ({
        method,
        path: path.replaceAll(/\{(\w+)\}/gu, 'x'),
        route: `${method} ${path}`,
        parameter: name,
        headers: { [name]: text },
      }));
    }),
  );
}

function upload(field: string, content: string, file: string): Injection {
  const body = new FormData();
  body.set(field, new Blob([content]), file);
  return { method: 'post', path: '/metadata', route: 'post /metadata', parameter: 'form', body };
}

/** Uploads whose form has the text as the name of its field, of its file, and as what is in it. */
export function injectionsInForms(text: string): readonly Injection[] {
  return [
    upload(text, '<nothing/>', 'a.xml'),
    upload('document', '<nothing/>', text),
    upload('document', text, 'a.xml'),
    upload('document', `<a b="${text}"/>`, 'a.xml'),
  ];
}
