/** `shop/friday`: a capture or schedule with its environment, as every command accepts it. */
export function fullName(named: {
  readonly environmentName: string;
  readonly name: string;
}): string {
  return `${named.environmentName}/${named.name}`;
}
