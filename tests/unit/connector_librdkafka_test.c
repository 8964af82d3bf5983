// SPDX-License-Identifier: Apache-2.0
// The librdkafka that `make deps` compiled is the pinned one and has what Kafka sources and sinks
// need: codecs, TLS, SASL, transactions. The broker is librdkafka's own mock, in this process.
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdbool.h>

#include "check.h"

// Bounds for a hung client, not measurements.
enum { PATIENCE_MS = 60 * 1000, POLL_MS = 100 };

// ThreadSanitizer does not see the atomics of a library compiled without it: librdkafka's own
// hand-overs between threads would look like races.
#ifdef __SANITIZE_THREAD__
enum { THREADS_ARE_WATCHED = true };
#else
enum { THREADS_ARE_WATCHED = false };
#endif

static const char topic[] = "events";

typedef struct Setting {
    const char *name;
    const char *value;
} Setting;

// What stays a mistake of the test is told by librdkafka's own words.
static rd_kafka_conf_t *configure(const Setting *settings, size_t count)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char why[512] = "";
    for (size_t i = 0; i < count; i++) {
        bool accepted = rd_kafka_conf_set(conf, settings[i].name, settings[i].value, why,
                                          sizeof why) == RD_KAFKA_CONF_OK;
        CHECK(accepted);
        if (!accepted) {
            fprintf(stderr, "%s = %s: %s\n", settings[i].name, settings[i].value, why);
        }
    }
    return conf;
}

// The client owns the configuration; NULL when it could not be made.
static rd_kafka_t *client(rd_kafka_type_t type, const Setting *settings, size_t count)
{
    char why[512] = "";
    rd_kafka_conf_t *conf = configure(settings, count);
    rd_kafka_t *handle = rd_kafka_new(type, conf, why, sizeof why);
    CHECK(handle != NULL);
    if (handle == NULL) {
        fprintf(stderr, "no client: %s\n", why);
        rd_kafka_conf_destroy(conf);
    }
    return handle;
}

#define COUNT(array)           (sizeof(array) / sizeof(array)[0])
#define CLIENT(type, settings) client((type), (settings), COUNT(settings))

// Header and archive are from the same, pinned release: package-lock.json and this move together.
static void test_version(void)
{
    CHECK(RD_KAFKA_VERSION == 0x020f01ff);
    CHECK(rd_kafka_version() == RD_KAFKA_VERSION);
    CHECK_TEXT(rd_kafka_version_str(), "2.15.1");
}

// Setting builtin.features asks whether they are there.
static void test_features(void)
{
    static const char *const needed[] = {"gzip", "snappy",     "lz4",        "zstd",
                                         "ssl",  "sasl_plain", "sasl_scram", "sasl_oauthbearer"};
    for (size_t i = 0; i < COUNT(needed); i++) {
        const Setting settings[] = {{"builtin.features", needed[i]}};
        rd_kafka_conf_destroy(configure(settings, COUNT(settings)));
    }
    // Kerberos is left out, and the question is not answered with yes whatever is asked.
    char why[512];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    CHECK(rd_kafka_conf_set(conf, "builtin.features", "sasl_gssapi", why, sizeof why) ==
          RD_KAFKA_CONF_INVALID);
    rd_kafka_conf_destroy(conf);
}

// Making the client sets up OpenSSL's context and the SASL mechanism; nothing is connected.
static void test_security(void)
{
    static const char *const mechanisms[] = {"PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"};
    for (size_t i = 0; i < COUNT(mechanisms); i++) {
        const Setting settings[] = {
            {"security.protocol", "sasl_ssl"},
            {"sasl.mechanisms", mechanisms[i]},
            {"sasl.username", "user"},
            {"sasl.password", "secret"},
            {"enable.ssl.certificate.verification", "true"},
        };
        rd_kafka_t *handle = CLIENT(RD_KAFKA_PRODUCER, settings);
        if (handle != NULL) {
            rd_kafka_destroy(handle);
        }
    }
}

// True when there was no error; prints it otherwise.
static bool succeeded(rd_kafka_error_t *error)
{
    if (error == NULL) {
        return true;
    }
    fprintf(stderr, "%s: %s\n", rd_kafka_error_name(error), rd_kafka_error_string(error));
    rd_kafka_error_destroy(error);
    return false;
}

// One transaction with one message, compressed with the codec; it is long enough to be compressed.
static void produce(const char *bootstraps, const char *codec)
{
    const Setting settings[] = {
        {"bootstrap.servers", bootstraps}, {"compression.codec", codec},
        {"enable.idempotence", "true"},    {"transactional.id", codec},
        {"retry.backoff.ms", "5"},
    };
    rd_kafka_t *producer = CLIENT(RD_KAFKA_PRODUCER, settings);
    if (producer == NULL) {
        return;
    }
    char text[4096];
    memset(text, codec[0], sizeof text);
    CHECK(succeeded(rd_kafka_init_transactions(producer, PATIENCE_MS)));
    CHECK(succeeded(rd_kafka_begin_transaction(producer)));
    CHECK(rd_kafka_producev(producer, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(0),
                            RD_KAFKA_V_KEY(codec, strlen(codec)),
                            RD_KAFKA_V_VALUE(text, sizeof text),
                            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
                            RD_KAFKA_V_END) == RD_KAFKA_RESP_ERR_NO_ERROR);
    CHECK(succeeded(rd_kafka_commit_transaction(producer, PATIENCE_MS)));
    rd_kafka_destroy(producer);
}

// The next message, errors are only printed; NULL when none came in time.
static rd_kafka_message_t *next_message(rd_kafka_t *consumer)
{
    for (int waited = 0; waited < PATIENCE_MS; waited += POLL_MS) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(consumer, POLL_MS);
        if (message != NULL && message->err == RD_KAFKA_RESP_ERR_NO_ERROR) {
            return message;
        }
        if (message != NULL) {
            fprintf(stderr, "%s\n", rd_kafka_message_errstr(message));
            rd_kafka_message_destroy(message);
        }
    }
    return NULL;
}

// Without check.crcs: the mock broker gives its transaction markers no checksum.
static void consume(const char *bootstraps, const char *const *codecs, size_t count)
{
    const Setting settings[] = {
        {"bootstrap.servers", bootstraps}, {"group.id", "test"},
        {"enable.auto.commit", "false"},   {"isolation.level", "read_committed"},
        {"auto.offset.reset", "error"},
    };
    rd_kafka_t *consumer = CLIENT(RD_KAFKA_CONSUMER, settings);
    if (consumer == NULL) {
        return;
    }
    rd_kafka_topic_partition_list_t *from = rd_kafka_topic_partition_list_new(1);
    rd_kafka_topic_partition_list_add(from, topic, 0)->offset = 0;
    CHECK(rd_kafka_assign(consumer, from) == RD_KAFKA_RESP_ERR_NO_ERROR);
    rd_kafka_topic_partition_list_destroy(from);
    for (size_t i = 0; i < count; i++) {
        rd_kafka_message_t *message = next_message(consumer);
        CHECK(message != NULL);
        if (message == NULL) {
            break;
        }
        CHECK(message->key_len == strlen(codecs[i]) &&
              memcmp(message->key, codecs[i], message->key_len) == 0);
        const char *text = message->payload;
        CHECK(message->len == 4096 && text[0] == codecs[i][0] && text[4095] == codecs[i][0]);
        rd_kafka_message_destroy(message);
    }
    rd_kafka_consumer_close(consumer);
    rd_kafka_destroy(consumer);
}

static void test_transactions(void)
{
    static const char *const codecs[] = {"none", "gzip", "snappy", "lz4", "zstd"};
    const Setting settings[] = {{"test.mock.num.brokers", "1"}};
    rd_kafka_t *broker = CLIENT(RD_KAFKA_PRODUCER, settings);
    if (broker == NULL) {
        return;
    }
    rd_kafka_mock_cluster_t *cluster = rd_kafka_handle_mock_cluster(broker);
    const char *bootstraps = rd_kafka_mock_cluster_bootstraps(cluster);
    CHECK(rd_kafka_mock_topic_create(cluster, topic, 1, 1) == RD_KAFKA_RESP_ERR_NO_ERROR);
    for (size_t i = 0; i < COUNT(codecs); i++) {
        produce(bootstraps, codecs[i]);
    }
    consume(bootstraps, codecs, COUNT(codecs));
    rd_kafka_destroy(broker);
}

int main(void)
{
    test_version();
    test_features();
    test_security();
    if (THREADS_ARE_WATCHED) {
        check_skip("librdkafka is compiled without ThreadSanitizer");
    } else {
        test_transactions();
    }
    return check_done();
}
