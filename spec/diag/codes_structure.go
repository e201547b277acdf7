package diag

// Codes OTF2xx, the structure of a workflow.
var (
	NoStepKey   = &Code{"OTF201", "no-step-key", "A step is a mapping with one step key, such as transfer or do, and modifiers such as if or for. Without a step key there is nothing to do. Add one, or remove the step."}
	TwoStepKeys = &Code{"OTF202", "two-step-keys", "A step has exactly one step key. Two of them usually mean that a dash is missing before the second, or that it should be indented to belong to the first."}
)

var structureCodes = []*Code{NoStepKey, TwoStepKeys}
