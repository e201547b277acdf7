package diag

// Codes OTF14x, files with tests of a workflow.
var (
	TestValue = &Code{ID: "OTF141", Name: "test-value", Explain: `What a test expects cannot be meant so: wells, a tip rack, a liquid or an operation that the workflow does not have, or a value of another kind than is compared with it.
The message says what it is, and what can stand there. A test that expects what cannot be has neither passed nor failed, so it counts as wrong.`}

	TestFailed = &Code{ID: "OTF142", Name: "test-failed", Explain: `A run came to something else than its test expects.
The message says what was expected and what it came to, and where it can be told, which step has brought it about. Either the workflow is wrong, or the test is no longer what is wanted.`}
)

var testCodes = []*Code{TestValue, TestFailed}
