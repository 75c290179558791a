import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { findAwsCredentials } from '../../../src/metrics-source/cloudwatch/aws-credentials.ts';
import { listAwsProfiles } from '../../../src/metrics-source/cloudwatch/profiles.ts';
import type { AppError } from '../../../src/core/errors.ts';
import { temporaryFolder } from '../../support/stores.ts';

const home = temporaryFolder();
const ROLE = 'role_arn = arn:aws:iam::123456789012:role/metrics';
const SECRET = 'sEcReT';
const CONFIG = `
[default]
region = eu-central-1
[profile base]
aws_access_key_id = AKIAEXAMPLE
aws_secret_access_key = ${SECRET}
[profile mfa]
${ROLE}
source_profile = base
mfa_serial = arn:aws:iam::123456789012:mfa/ada
[profile failing]
credential_process = /bin/sh -c 'echo "token ${SECRET}" >&2; exit 3'
[profile chatty]
credential_process = /bin/echo token ${SECRET}
[profile one]
${ROLE}
source_profile = two
[profile two]
${ROLE}
source_profile = one
[profile corp]
sso_session = corp
sso_account_id = 123456789012
sso_role_name = metrics
[sso-session corp]
sso_region = eu-central-1
sso_start_url = https://corp.example.com/start
[profile old]
sso_region = eu-central-1
sso_start_url = https://old.example.com/start
sso_account_id = 123456789012
sso_role_name = metrics
[profile pod]
${ROLE}
web_identity_token_file = /nonexistent/token
`;

beforeAll(() => {
  mkdirSync(join(home, '.aws/sso/cache'), { recursive: true });
  writeFileSync(join(home, '.aws/config'), CONFIG);
  writeFileSync(join(home, '.aws/credentials'), '[only-keys]\naws_access_key_id = AKIAEXAMPLE\n');
  const cached = createHash('sha1').update('corp').digest('hex');
  writeFileSync(
    join(home, `.aws/sso/cache/${cached}.json`),
    JSON.stringify({ accessToken: SECRET, expiresAt: '2020-01-01T00:00:00Z' }),
  );
  vi.stubEnv('HOME', home);
  vi.stubEnv('AWS_EC2_METADATA_DISABLED', 'true');
  for (const name of Object.keys(process.env).filter((key) => key.startsWith('AWS_'))) {
    if (name !== 'AWS_EC2_METADATA_DISABLED') vi.stubEnv(name, undefined);
  }
});
afterAll(() => vi.unstubAllEnvs());

function find(profile: string | null) {
  return findAwsCredentials({
    id: 1,
    name: 'shop',
    server: null,
    region: 'eu-central-1',
    instance: 'shop-1',
    profile,
    endpointUrl: null,
    createdAt: 0,
  });
}

describe('the credentials of a profile', () => {
  it('are found', async () => {
    expect(await find('base')).toEqual({ region: 'eu-central-1', accessKeyId: 'AKIAEXAMPLE' });
  });

  it.each([
    ['mfa', /: Profile mfa requires multi-factor authentication/, /cannot ask for an MFA code/],
    ['failing', /: its credential_process failed$/, /Run the credential_process/],
    ['chatty', /: Profile chatty credential_process returned invalid JSON$/, /Run the cred/],
    ['one', /: Detected a cycle .+ Profiles visited: two, one$/, /instead of a source_profile/],
    ['corp', /SSO/, /^Log in: aws sso login --profile corp$/],
    ['old', /: The SSO session .+ is invalid/, /^Log in: aws sso login --profile old$/],
    ['pod', /: ENOENT: .+ '\/nonexistent\/token'$/, /sts get-caller-identity --profile pod$/],
    ['only-keys', /: Could not resolve .+ profile: \[only-keys\]/, /list-profiles$/],
    ['nosuch', /: Could not resolve credentials using profile: \[nosuch\]/, /list-profiles$/],
  ])('that fail say why, in one line and without a secret: %s', async (profile, says, hint) => {
    const error = (await find(profile).catch((thrown: unknown) => thrown)) as AppError;
    expect(error.code).toBe('remote_failed');
    expect(error.message).toMatch(says);
    expect(error.message.startsWith(`There are no AWS credentials (profile "${profile}"): `)).toBe(
      true,
    );
    expect(error.hint).toMatch(hint);
    expect(`${error.message} ${JSON.stringify(error.hint)}`).not.toMatch(/sEcReT|\n/);
  });

  it('that nobody named say where to put them', async () => {
    await expect(find(null)).rejects.toMatchObject({
      message: 'There are no AWS credentials',
      hint: expect.stringContaining('AWS_PROFILE') as string,
    });
  });
});

describe('the profiles of a machine', () => {
  it('are those of both files, without sessions', () => {
    expect(listAwsProfiles({ env: {}, home })).toEqual([
      ...['default', 'base', 'mfa', 'failing', 'chatty', 'one', 'two', 'corp', 'old', 'pod'],
      'only-keys',
    ]);
    const env = { AWS_CONFIG_FILE: '/nonexistent/config' };
    expect(listAwsProfiles({ env, home })).toEqual(['only-keys']);
  });
});
