// Every bound of the platform that is not a setting, with the reason for its size. A queue, buffer, wait or retry without a
// line here (or in a revision's own limits) is a bug.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace ebb::domain {

// HTTP. A chat with a 128 k token history is about 600 KB; headers of real clients stay under 4 KB.
inline constexpr size_t kHttpHeaderBytesMax = 32 * 1024;
inline constexpr size_t kHttpBodyBytesMax = 8 * 1024 * 1024;
inline constexpr size_t kHttpConnectionsMax = 4096;
// Bodies that are being read or answered, over all connections: past it new ones are refused, the memory of the server is not.
inline constexpr size_t kHttpBodyBytesInFlightMax = 256 * 1024 * 1024;
inline constexpr milliseconds kHttpHeaderTimeMax{10'000};
inline constexpr milliseconds kHttpBodyTimeMax{30'000};
inline constexpr milliseconds kHttpIdleTimeMax{75'000};
// Between two signs of life in a stream, where the caller asked for them: proxies cut what is silent for a minute.
inline constexpr milliseconds kKeepAliveMax{60'000};
// A reader that takes nothing for this long is cut; its call is cancelled.
inline constexpr milliseconds kHttpWriteTimeMax{30'000};
// TLS. From the connection to the end of its handshake, which takes two ways there and back. A chain of four certificates has some 8 KB. How often the
// files are looked at: what replaces them does so weeks before they expire.
inline constexpr milliseconds kTlsHandshakeTimeMax{10'000};
inline constexpr size_t kTlsFileBytesMax = 256 * 1024;
inline constexpr milliseconds kTlsLookEvery{2'000};

// Calls.
inline constexpr size_t kMessagesMax = 4096;
inline constexpr size_t kStopStringsMax = 4;
inline constexpr int64_t kChoicesMax = 128;
// Each choice holds the request until it runs.
inline constexpr size_t kChoicesBytesMax = 64 * 1024 * 1024;
inline constexpr int kTopLogprobsMax = 20;
inline constexpr size_t kLogitBiasMax = 1024;
// What an agent offers; each becomes a part of a grammar and of the prompt.
inline constexpr size_t kToolsMax = 128;
inline constexpr size_t kToolNameBytesMax = 64;
inline constexpr size_t kToolDescriptionBytesMax = 8 * 1024;
// Calls in one answer.
inline constexpr int kToolCallsMax = 128;
// A schema is compiled to a grammar by the thread that serves all calls of its worker: these compile in milliseconds.
inline constexpr size_t kSchemaBytesMax = 64 * 1024;
inline constexpr size_t kSchemaNodesMax = 4'000;
inline constexpr int64_t kSchemaRepeatsMax = 1'000;
inline constexpr size_t kSchemaPatternBytesMax = 256;
// Parts of a pattern in a row that a text may pass over: 50 take 50 ms a token, 300 take 30 s.
inline constexpr int64_t kSchemaPatternRowMax = 64;
// Nested repeats of what varies in length, their counts multiplied: so many places of a pattern a text may be at; each is looked at for every token.
inline constexpr int64_t kSchemaPatternCountsMax = 2'000;
// Alternatives that begin alike, followed at once: each costs a token about as much as one schema does.
inline constexpr size_t kSchemaAlternativesMax = 64;
inline constexpr size_t kStopStringBytesMax = 512;
// Texts of one call to be turned into vectors, as OpenAI's API has it; values of a vector, four times the largest that is known; and all vectors of
// a call.
inline constexpr size_t kInputsMax = 2048;
inline constexpr size_t kVectorValuesMax = 16'384;
inline constexpr size_t kVectorBytesMax = 32 * 1024 * 1024;
// Tensors of one call: as many bytes as a request or an answer may have elements in all, and what clients name and shape.
inline constexpr size_t kTensorBytesMax = 64 * 1024 * 1024;
inline constexpr size_t kTensorsMax = 256;
inline constexpr size_t kTensorDimensionsMax = 16;
inline constexpr size_t kTensorNameBytesMax = 256;
// What goes through an ONNX model at once, of what waits when a step begins: nobody waits for others to come. Past 16 rows MiniLM gains nothing more, and what
// its layers hold grows with each.
inline constexpr int64_t kOnnxBatchRowsMax = 16;
inline constexpr size_t kOnnxBatchBytesMax = 16 * 1024 * 1024;
// Preparing a model, once, when it is added: 0.5 s for 90 MB.
inline constexpr uint64_t kPrepareCpuSecondsMax = 600;
// A picture before it is decoded: more pixels than a camera has; three bytes for each.
inline constexpr int64_t kPicturePixelsMax = 64'000'000;
// What a request may bring of them: it goes to a worker in one frame. Its body has that and as much JSON as other bodies, packed or not.
inline constexpr size_t kTensorInputBytesMax = 12 * 1024 * 1024;
inline constexpr size_t kTensorBodyBytesMax = kTensorInputBytesMax + kHttpBodyBytesMax;
// The numbers of an answer as text. And the longest answer that is compressed, by the thread that serves all: at level 1 some 100 MB/s.
inline constexpr size_t kTensorTextBytesMax = 16 * 1024 * 1024;
inline constexpr size_t kCompressedAnswerBytesMax = 4 * 1024 * 1024;
// Calls at once on one gRPC connection; what the messages of all may take, requests and answers.
inline constexpr int kGrpcCallsMax = 128;
inline constexpr size_t kGrpcMemoryBytesMax = 2 * kHttpBodyBytesInFlightMax;
// Parts of a form with a picture, and what stands before the data of each.
inline constexpr size_t kFormPartsMax = 16;
inline constexpr size_t kFormHeadBytesMax = 1024;
// Labels of one item, and of one label's text.
inline constexpr int kLabelsMax = 1'000;
inline constexpr size_t kLabelBytesMax = 256;
// Bodies of container functions pass in pieces of at most kBodyPieceBytesMax; so many bytes may be under way unread in each direction.
inline constexpr size_t kBodyPieceBytesMax = 64 * 1024;
inline constexpr size_t kFunctionBodyBytesMax = 512 * 1024 * 1024;
inline constexpr size_t kBodyWindowBytes = 256 * 1024;
// Headers of an answer of a container function, as many as are taken of a request.
inline constexpr size_t kHttpHeadersMax = 256;
// Container functions. What a program may be started with, in all (ebb-init takes it in one message), and how much of each.
inline constexpr size_t kFunctionProgramBytesMax = 96 * 1024;
inline constexpr int kFunctionStringsMax = 1024;
inline constexpr int kFunctionMountsMax = 64;
inline constexpr int kFunctionGroupsMax = 64;
inline constexpr int kFunctionPidsMax = 32'768;
inline constexpr milliseconds kFunctionStartTimeMax{3'600'000};
// An answer that goes on past this is cut: what streams for ever would hold a slot for ever.
inline constexpr uint64_t kFunctionAnswerBytesMax = 512ULL * 1024 * 1024;
// Heads that come before that of the answer (1xx).
inline constexpr int kFunctionInterimHeadsMax = 32;
// Between two looks whether a function is ready: doubles from the first to the last. A look costs some ten microseconds.
inline constexpr milliseconds kFunctionProbeFirst{1};
inline constexpr milliseconds kFunctionProbeLast{16};
inline constexpr milliseconds kFunctionProbeTimeMax{2'000};
// A function that is starting says so this often, below what the server takes for standing still.
inline constexpr milliseconds kFunctionProgressEvery{500};
// The same of one that has calls, which may say nothing for minutes; the server waits for half a minute.
inline constexpr milliseconds kFunctionBusyProgressEvery{5'000};
// A connection that ends may be the first sign that its process did: the kernel tells of that a little later.
inline constexpr milliseconds kFunctionEndNoticeMax{250};
// And what a process wrote before it ended is read for so long after: shorter than the above, which waits for this.
inline constexpr milliseconds kFunctionLastBytesTime{50};
// From SIGTERM until an instance that is no longer wanted is killed, as Cloud Run has it; and for all of them together when the server stops.
inline constexpr milliseconds kFunctionEndTimeMax{10'000};
inline constexpr milliseconds kFunctionsStopTimeMax{2'000};
// A worker that does not report the end of its function this long after is killed itself.
inline constexpr milliseconds kFunctionEndReportMax{1'000};
// What it says on its standard output: longer lines are cut in pieces, more of them in a second are counted and left out.
inline constexpr size_t kFunctionLogLineBytesMax = 2'000;
inline constexpr int kFunctionLogLinesPerSecondMax = 200;
// What is read of its output once it has ended: its last words.
inline constexpr size_t kFunctionLastWordsBytesMax = 256 * 1024;
// AWS Lambda's: an event or a result, and one that is streamed; the connections of a runtime, which needs one.
inline constexpr size_t kLambdaPayloadBytesMax = 6 * 1024 * 1024;
inline constexpr uint64_t kLambdaStreamBytesMax = 200ULL * 1024 * 1024;
inline constexpr int kLambdaConnectionsMax = 8;
inline constexpr size_t kLambdaClientContextBytesMax = 3583;
// A runtime's request has a head of up to a MiB: it tells the cause of an error to a tracer in one header.
inline constexpr size_t kLambdaHeadBytesMax = 1280 * 1024;
// Of an error in the middle of a streamed response, which becomes a trailer.
inline constexpr size_t kLambdaErrorTrailerBytesMax = 16 * 1024;
// A body that becomes part of a JSON envelope (Azure's custom handlers).
inline constexpr size_t kEnvelopeBytesMax = 8 * 1024 * 1024;
// An Azure Functions app in an image: each of its JSON files, entries of its folder, functions.
inline constexpr size_t kAzureFileBytesMax = 64 * 1024;
inline constexpr size_t kAzureEntriesMax = 10'000;
inline constexpr size_t kAzureFunctionsMax = 128;
// What functions may have open outside, through ebb-egress: of one instance, and of all. Two descriptors and two buffers each.
inline constexpr size_t kEgressConnectionsPerInstanceMax = 128;
inline constexpr size_t kEgressConnectionsMax = 1'024;
inline constexpr size_t kEgressInstancesMax = 4'096;
inline constexpr size_t kEgressBufferBytes = 16 * 1024;
inline constexpr size_t kEgressHeadBytesMax = 32 * 1024;
inline constexpr milliseconds kEgressHeadTimeMax{10'000};
inline constexpr milliseconds kEgressConnectTimeMax{10'000};
// Nothing passes in either direction: longer than an answer of a model takes that is not streamed.
inline constexpr milliseconds kEgressIdleTimeMax{300'000};
// Names that are being looked up: of one instance, so that nobody's slow names hold up all, and of all.
inline constexpr int kEgressLookupsPerInstanceMax = 4;
inline constexpr int kEgressLookupsMax = 64;
inline constexpr int kEgressLookupThreads = 16;
// Addresses of one name that are tried.
inline constexpr size_t kEgressAddressesMax = 8;
inline constexpr size_t kEgressHostsMax = 64;
// Refusals of one instance that are told in a second; the others are counted.
inline constexpr int kEgressLinesPerSecondMax = 10;
// Output of one call waiting for a slow client. Past it the client is cut: the worker never waits for a reader.
inline constexpr size_t kStreamBufferBytesMax = 256 * 1024;
// Log probabilities that wait with it: those of what a stop string held back come at once, about a KiB for each token.
inline constexpr size_t kStreamLogprobBytesMax = 4 * 1024 * 1024;
inline constexpr int kWorkerKillsPerCallMax = 2;  // the second death makes the call poison

// Endpoints and workers.
inline constexpr size_t kEndpointsMax = 10'000;
inline constexpr size_t kEndpointNameBytesMax = 63;
// Calls at once in one worker; and in one that generates text, where each holds a part of the attention's memory.
inline constexpr int kSlotsPerWorkerMax = 1'024;
inline constexpr int kTextSlotsMax = 64;
// Instances that wait prepared on one node, a few MiB each.
inline constexpr int kPreparedInstancesMax = 32;
inline constexpr int kQueueLengthMax = 10'000;
// Accounts whose shares of one endpoint are kept apart at once.
inline constexpr size_t kTenantsPerEndpointMax = 1'024;
inline constexpr size_t kTenantNameBytesMax = 63;
// Who may have a key, and how many there may be, those included that were revoked. Some 300 bytes each.
inline constexpr size_t kTenantsMax = 10'000;
inline constexpr size_t kKeysMax = 100'000;
inline constexpr size_t kKeyLabelBytesMax = 128;
inline constexpr size_t kBudgetsMax = 100'000;
// Budgets whose rest of the period is foretold in one answer: each takes a look at a month of sums.
inline constexpr size_t kForecastsMax = 200;
inline constexpr size_t kRateLimitsMax = 100'000;
// Price lists of all time: one a day for ten years. Steps of one; a note for people.
inline constexpr size_t kPriceListsMax = 4'000;
inline constexpr size_t kPriceStepsMax = 16;
inline constexpr size_t kPriceNoteBytesMax = 128;
// A debt of a rate that is limited is forgiven past so many of its times: nobody waits longer than that for one call.
inline constexpr int kRateDebtTimesMax = 10;
inline constexpr int kContextTokensMax = 1'048'576;
inline constexpr int kMemoryMibMax = 4 * 1024 * 1024;

// What an owner may ask for: a caller seldom waits an hour, an answer never takes a day, and what is idle for a month is gone.
inline constexpr milliseconds kWaitTimeMax{3'600'000};
inline constexpr milliseconds kCallTimeMax{86'400'000};
inline constexpr milliseconds kIdleTimeMax{30LL * 86'400'000};
// When the number of warm slots changes: every half hour of a working day, and room for a weekend. Lines are some 20 bytes, names of zones at most 32.
inline constexpr size_t kScheduleEntriesMax = 32;
inline constexpr size_t kCronBytesMax = 256;
inline constexpr size_t kZoneNameBytesMax = 64;
// How far ahead the next firing is looked for: around 2100 it is eight years from one 29 February to the next. And how long the last one counts: a leap
// year, and a day since clocks change.
inline constexpr int kCronDaysAheadMax = 8 * 366;
// Where two lines in two zones fire together is found by trying.
inline constexpr int kCronMeetTries = 2'000;
inline constexpr milliseconds kCronBackMax{367LL * 86'400'000};
// An endpoint's specification as text.
inline constexpr size_t kSpecBytesMax = 64 * 1024;
inline constexpr int kSpecDepthMax = 16;

// Images. Overlay file systems take 127 layers, so nobody makes more; whole operating systems with their tools have some 300,000 files.
inline constexpr size_t kImageLayersMax = 128;
inline constexpr uint64_t kImageEntriesMax = 1'000'000;
inline constexpr uint64_t kImageBytesMax = 64ULL << 30U;           // of all blobs; images with a large model inside have some 20 GiB
inline constexpr uint64_t kImageUnpackedBytesMax = 128ULL << 30U;  // of all layers, what later ones remove included
// Unpacked bytes for each byte of a layer. Text packs 10 to 1, a file of zeros 1,000 to 1; small layers may hold some of those.
inline constexpr uint64_t kImageRatioMax = 100;
inline constexpr uint64_t kImageRatioFreeBytes = 64ULL << 20U;
// The kernel's own bounds for a path and a name.
inline constexpr size_t kImagePathBytesMax = 4095;
inline constexpr size_t kImageNameBytesMax = 255;
inline constexpr size_t kImagePathDepthMax = 128;
// Manifests have some KiB; registries refuse 4 MiB. Configurations list the history of all layers.
inline constexpr size_t kImageManifestBytesMax = 4 * 1024 * 1024;
inline constexpr size_t kImageIndexEntriesMax = 1024;
// What becomes of a configuration is kept with each version: arguments, variables and labels together.
inline constexpr size_t kImageConfigBytesMax = 32 * 1024;
inline constexpr size_t kImageConfigStringsMax = 1024;
inline constexpr size_t kImageLabelBytesMax = 8 * 1024;
// skopeo and umoci for one image. What says nothing for a minute is ended before that.
inline constexpr milliseconds kImageToolTimeMax{3'600'000};
inline constexpr size_t kRegistryLoginsMax = 256;
inline constexpr size_t kRegistrySecretBytesMax = 16 * 1024;
// A model's package: files and the bytes of their names (what a ustar header holds), its manifest, and tokens of one text that a tokenizer makes.
inline constexpr size_t kPackageEntriesMax = 64;
inline constexpr size_t kPackageNameBytesMax = 100;
inline constexpr size_t kManifestBytesMax = 64 * 1024;
inline constexpr int64_t kTokenizerTokensMax = 8'192;
// Vocabularies and labels; those of 250 k tokens take 17 MB as JSON.
inline constexpr size_t kTokenizerFileBytesMax = 32 * 1024 * 1024;
// Of a picture as a model takes it, each side: 2048 × 2048 in three colours as FP32 are 48 MiB.
inline constexpr int64_t kImageSideMax = 2'048;

// Frames between server, spawner and workers: a chat request of kHttpBodyBytesMax with room for its protobuf form.
inline constexpr size_t kFrameBytesMax = 16 * 1024 * 1024;
// What a worker may send in one frame: a step's text, never a document.
inline constexpr size_t kWorkerFrameBytesMax = 256 * 1024;

// What an answer may take: beyond a prompt that is shown, no more than its tokens can stand for. The longest tokens are runs of some hundred blanks;
// with log probabilities each brings 20 alternatives.
inline constexpr size_t kAnswerBytesFree = 1024 * 1024;
inline constexpr size_t kTextBytesPerToken = 1024;
inline constexpr size_t kLogprobBytesPerToken = 16 * 1024;

// Journals kept in memory.
inline constexpr size_t kDecisionsPerEndpointMax = 200;
inline constexpr size_t kLogLinesPerEndpointMax = 500;

// Calls with an Idempotency-Key, and their answers: keys of clients are UUIDs, or a hash and a word; answers of models some KiB. A client tries again for
// minutes, a queue of jobs for hours.
inline constexpr size_t kIdempotencyKeyBytesMax = 255;
inline constexpr size_t kKeptAnswerBytesMax = 1024 * 1024;
inline constexpr milliseconds kKeptAnswerTimeMax{86'400'000};
inline constexpr int64_t kKeptAnswersPerTenantMax = 10'000;
inline constexpr int64_t kKeptAnswerBytesPerTenantMax = 64LL * 1024 * 1024;
inline constexpr int64_t kKeptAnswersMax = 100'000;
inline constexpr int64_t kKeptAnswerBytesInAllMax = 256LL * 1024 * 1024;
// Of them at once: those that run, or are looked for, and what of their answers waits in memory to be kept.
inline constexpr size_t kKeyedCallsMax = 1'024;
inline constexpr size_t kRecordedBytesMax = 64 * 1024 * 1024;
// Repeats that wait for the end of the call: of one, and of all.
inline constexpr int kRepeatsOfOneMax = 8;
inline constexpr int kRepeatsMax = 256;
// A call whose answer failed is let go of by its worker in five seconds, or the worker is killed; then it is known what it cost.
inline constexpr milliseconds kSettleTimeMax{30'000};

// Usage records waiting for the disk. When they are this many, new calls are refused until the store writes again.
inline constexpr size_t kUsageBacklogMax = 10'000;

}  // namespace ebb::domain
