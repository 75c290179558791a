import type { ProviderFields } from '../../core/environments/environment.ts';
import { AppError } from '../../core/errors.ts';
import { isPrintable } from '../../core/names.ts';

interface FieldForm {
  readonly is: (text: string) => boolean;
  /** What the field takes, in words that follow "takes". */
  readonly takes: string;
}

/**
 * An instance's identifier is letters, digits and hyphens (Amazon RDS User Guide, "Naming constraints in
 * Amazon RDS"), and so is every region's code. They become part of addresses.
 */
function isAwsName(text: string): boolean {
  return /^[a-z\d-]{1,64}$/i.test(text);
}

/** The form of each field, wherever it is typed. */
export const PROVIDER_FORMS: Record<keyof ProviderFields, FieldForm> = {
  region: { is: isAwsName, takes: 'a region, such as eu-central-1' },
  instance: { is: isAwsName, takes: 'the identifier of an RDS instance, such as shop-1' },
  profile: {
    is: (text) => text.trim() !== '' && isPrintable(text),
    takes: "the name of a profile in AWS's files",
  },
  endpointUrl: {
    is: (text) =>
      URL.canParse(text) && isPrintable(text) && /^https?:$/.test(new URL(text).protocol),
    takes: 'an http:// or https:// address',
  },
};

/** @throws AppError `invalid` for a field that cannot be what it is called. */
export function checkProvider(described: Partial<ProviderFields>): void {
  for (const [field, { is, takes }] of Object.entries(PROVIDER_FORMS)) {
    const value = described[field as keyof ProviderFields] ?? null;
    if (value !== null && !is(value)) throw new AppError('invalid', `The ${field} takes ${takes}`);
  }
}
