package profiles

// A modelInfo is what a model's name stands for.
type modelInfo struct {
	title string
	items int // per request
}

// models are the names that scenarios use. Recommenders are published per
// candidate item; a request is one user with a fixed number of candidates to
// score. The sources fix no such number: 512 and 1024 are ours, chosen where
// published batches are multiples of them.
var models = map[string]modelInfo{
	"bert-base-ranker":      {"BERT-base, sequence 128: one query-document pair", 1},
	"bert-base-ranker-384":  {"BERT-base, sequence 384: one query-document pair", 1},
	"bert-large-ranker":     {"BERT-large, sequence 128: one query-document pair", 1},
	"bert-large-ranker-384": {"BERT-large, sequence 384: one query-document pair", 1},
	"dlrm":                  {"DLRM: one user with 512 candidates", 512},
	"wide-and-deep":         {"Wide & Deep: one user with 1024 candidates", 1024},
	"resnet50":              {"ResNet50 v1.5, 224×224: one image", 1},
}

// Title says what a request to the model is; "" for an unknown model.
func Title(model string) string { return models[model].title }
