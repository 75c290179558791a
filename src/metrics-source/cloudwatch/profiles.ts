import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface AwsFiles {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
}

/** The names of the AWS profiles of this machine's user, as `aws configure list-profiles` has them. */
export function listAwsProfiles({ env, home }: AwsFiles): string[] {
  const config = env['AWS_CONFIG_FILE'] ?? join(home, '.aws/config');
  const credentials = env['AWS_SHARED_CREDENTIALS_FILE'] ?? join(home, '.aws/credentials');
  const configured = sectionsOf(config).flatMap((section) => {
    if (section === 'default') return [section];
    const name = /^profile\s+(?:"(.*)"|(.*))$/.exec(section);
    return name === null ? [] : [name[1] ?? name[2] ?? ''];
  });
  return [...new Set([...configured, ...sectionsOf(credentials)])];
}

function sectionsOf(file: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    // None, or none that we may read: then there are no profiles in it for us.
    return [];
  }
  return Array.from(text.matchAll(/^\s*\[\s*([^\]]*?)\s*\]/gm), ([, section]) => section ?? '');
}
