export function sentBytes(_sql: string): Uint8Array | null {
  return null;
}
