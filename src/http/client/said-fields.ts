/** Fields that are left out of a request where they are null. */
type Said<Fields> = { [Key in keyof Fields]?: NonNullable<Fields[Key]> };

/** What is said of a query or a body: on the wire a field that does not matter is not there. */
export function said<Fields extends object>(fields: Fields): Said<Fields> {
  const entries = Object.entries(fields).filter(([, value]) => value != null);
  return Object.fromEntries(entries) as Said<Fields>;
}
