/** The topics of `captures help TOPIC`, in the order of the help. */
export const HELP_TOPIC_NAMES = [
  'options',
  'exit-codes',
  'variables',
  'time',
  'filters',
  'guards',
  'values',
  'plan',
  'replays',
  'output',
] as const;
export type HelpTopic = (typeof HELP_TOPIC_NAMES)[number];
