import js from '@eslint/js';
import { defineConfig } from 'eslint/config';
import tseslint from 'typescript-eslint';

export default defineConfig(
  { ignores: ['dist', 'coverage'] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: {
        project: ['./tsconfig.checks.json', './tsconfig.browser.json'],
        tsconfigRootDir: import.meta.dirname,
      },
      globals: { process: 'readonly', console: 'readonly', Buffer: 'readonly' },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-non-null-assertion': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      'no-control-regex': 'off',
    },
  },
  {
    // rolldown takes these for pure and drops them, with the failure that they were for.
    files: ['src/**'],
    rules: {
      'no-new': 'error',
      'no-restricted-syntax': [
        'error',
        {
          selector:
            'ExpressionStatement > CallExpression[callee.name=/^(decodeURI|encodeURI|decodeURIComponent|encodeURIComponent|BigInt|Number|String|Boolean|Symbol|parseInt|parseFloat)$/]',
          message: 'Use its value: the bundler drops a call for the sake of its failure.',
        },
      ],
    },
  },
  {
    // A use case is async for whoever calls it; the store behind it is not.
    files: ['src/core/**'],
    rules: { '@typescript-eslint/require-await': 'off' },
  },
  {
    // vitest's matchers (expect.stringContaining …) are typed as any.
    files: ['test/**'],
    rules: { '@typescript-eslint/no-unsafe-assignment': 'off' },
  },
);
