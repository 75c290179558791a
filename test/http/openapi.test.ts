import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { openApi } from '../../src/http/contract/openapi.ts';
import { allHandlers } from '../../src/http/server/handlers/all-handlers.ts';

interface Operation {
  readonly operationId: string;
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema?: Schema }>>;
  };
  readonly parameters?: readonly { readonly name: string; readonly description?: string }[];
}

interface Schema {
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly anyOf?: readonly Schema[];
}

function fieldsIn(schema: Schema): { name: string; description: string | undefined }[] {
  const own = Object.entries(schema.properties ?? {}).flatMap(([name, field]) => [
    { name, description: field.description },
    ...fieldsIn(field),
  ]);
  return [...own, ...(schema.anyOf ?? []).flatMap(fieldsIn)];
}

const routes = allHandlers('1.2.3').map(({ route }) => route);
const document = JSON.parse(JSON.stringify(openApi(routes, '1.2.3'))) as {
  readonly info: { readonly version: string };
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, { properties?: object }>> };
};

describe('the OpenAPI document', () => {
  it('is valid by the schema of OpenAPI 3.1', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    expect(document.info.version).toBe('1.2.3');
  });

  it('has every operation once, and every reference leads to a component', () => {
    const ids = Object.values(document.paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    expect(ids.toSorted()).toEqual(routes.map(({ id }) => id).toSorted());
    expect(new Set(ids).size).toBe(ids.length);
    const references = JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g);
    for (const [, path = ''] of references) {
      const found = path
        .split('/')
        .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], document);
      expect({ path, found }).toEqual({ path, found: expect.anything() });
    }
  });

  it('declares every parameter that is in a path, and no other', () => {
    for (const { path, params, id } of routes) {
      const names = Array.from(path.matchAll(/\{(\w+)\}/g), ([, name]) => name);
      const declared = Object.keys((params as unknown as { shape: object }).shape);
      expect({ id, names: names.toSorted() }).toEqual({ id, names: declared.toSorted() });
    }
  });

  it('says of every parameter what it is', () => {
    const silent = Object.values(document.paths).flatMap((path) =>
      Object.values(path).flatMap(({ operationId, parameters = [] }) =>
        parameters
          .filter(({ description }) => description === undefined)
          .map(({ name }) => `${name} of ${operationId}`),
      ),
    );
    expect(silent).toEqual([]);
  });

  it('says of every field of a body what it is, and of no field what another one is', () => {
    const bodies = Object.values(document.paths).flatMap((path) =>
      Object.values(path).flatMap(({ operationId, requestBody }) => {
        const schema = requestBody?.content['application/json']?.schema;
        return schema === undefined ? [] : [{ operationId, schema }];
      }),
    );
    const texts = bodies.flatMap(({ operationId, schema }) =>
      fieldsIn(schema).map(({ name, description }) => ({ operationId, name, description })),
    );
    expect(texts.length).toBeGreaterThan(90);
    expect(texts.filter(({ description }) => description === undefined)).toEqual([]);
    for (const operation of new Set(texts.map(({ operationId }) => operationId))) {
      const own = texts.filter(({ operationId }) => operationId === operation);
      expect(new Set(own.map(({ description }) => description)).size).toBe(own.length);
    }
  });

  it("has the reference's fields of a capture first, in its order", () => {
    const fields = Object.keys(document.components.schemas['Capture']?.properties ?? {});
    expect(fields.slice(0, 10)).toEqual(
      'id name start scheduledStart scheduledEnd end status envId type reason'.split(' '),
    );
  });
});
