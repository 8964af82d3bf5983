// web-logs: the access log of a shop. Endpoints, methods and clients are weighted, response times
// are log-normal around each endpoint's median, and server errors are slow.
// SPDX-License-Identifier: Apache-2.0
#include "connector/generator_text.h"

#include <math.h>

enum { CLIENTS = 2000, MAX_ERROR_CODES = 4 };

typedef struct Endpoint {
    const char *path;
    const char *method; // the usual one
    const char *other;  // in one of ten requests
    int weight;
    double median_ms;
    int bytes;       // about
    int good_status; // 200, 201, 302
} Endpoint;

static const Endpoint endpoints[] = {
    {"/", "GET", "HEAD", 180, 35, 14000, 200},
    {"/products", "GET", "GET", 160, 80, 22000, 200},
    {"/products/detail", "GET", "GET", 150, 60, 16000, 200},
    {"/search", "GET", "GET", 110, 140, 11000, 200},
    {"/cart", "GET", "DELETE", 60, 55, 4000, 200},
    {"/cart/items", "POST", "PUT", 50, 70, 900, 201},
    {"/checkout", "POST", "GET", 25, 320, 2500, 200},
    {"/login", "POST", "GET", 45, 110, 1200, 200},
    {"/logout", "POST", "GET", 20, 25, 300, 302},
    {"/api/v1/products", "GET", "GET", 70, 45, 5200, 200},
    {"/api/v1/orders", "GET", "POST", 40, 95, 3100, 200},
    {"/api/v1/users", "GET", "PUT", 30, 40, 1800, 200},
    {"/static/app.js", "GET", "GET", 90, 6, 84000, 200},
    {"/static/style.css", "GET", "GET", 80, 4, 19000, 200},
    {"/admin", "GET", "POST", 6, 90, 6500, 200},
    {"/health", "GET", "GET", 24, 2, 20, 200},
};

static const char *const agents[] = {
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/126.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_5) Version/17.5 Safari/605.1.15",
    "Mozilla/5.0 (X11; Linux x86_64; rv:127.0) Gecko/20100101 Firefox/127.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148",
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0 Mobile Safari/537.36",
    "curl/8.8.0",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
};
static const int agent_weights[] = {34, 14, 12, 18, 16, 2, 4};

static const char *const referers[] = {
    "-",
    "https://www.google.com/",
    "https://shop.example/",
    "https://shop.example/products",
    "https://news.example/offers",
};
static const int referer_weights[] = {40, 18, 24, 12, 6};

static const Endpoint *pick_endpoint(Random *random)
{
    int weights[ARRAY_LEN(endpoints)];
    for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
        weights[i] = endpoints[i].weight;
    }
    return &endpoints[generator_pick(random, weights, ARRAY_LEN(endpoints))];
}

static int pick_status(const GeneratorEvent *event, const Endpoint *endpoint)
{
    static const int client_errors[MAX_ERROR_CODES] = {404, 400, 403, 429};
    static const int client_weights[MAX_ERROR_CODES] = {70, 14, 10, 6};
    static const int server_errors[MAX_ERROR_CODES] = {500, 503, 502, 504};
    static const int server_weights[MAX_ERROR_CODES] = {60, 20, 12, 8};
    Random *random = event->random;
    if (!generator_chance(random, event->errors)) {
        bool is_cached =
            strncmp(endpoint->path, "/static/", 8) == 0 && generator_chance(random, 35);
        return is_cached ? 304 : endpoint->good_status;
    }
    if (generator_chance(random, 40)) {
        return server_errors[generator_pick(random, server_weights, MAX_ERROR_CODES)];
    }
    if (strcmp(endpoint->path, "/login") == 0 || strcmp(endpoint->path, "/admin") == 0) {
        return 401;
    }
    return client_errors[generator_pick(random, client_weights, MAX_ERROR_CODES)];
}

typedef struct Client {
    int ip[4];
    const char *agent;
    int user; // 0: not logged in
} Client;

// Who client `number` is follows from the seed alone; small numbers come more often.
static Client pick_client(const GeneratorEvent *event)
{
    double unit = random_unit(event->random);
    uint64_t number = (uint64_t)(unit * unit * CLIENTS);
    Random random = {generator_scramble(event->seed + 1) ^ generator_scramble(number)};
    Client client = {
        .ip = {(int)random_below(&random, 200) + 11, (int)random_below(&random, 256),
               (int)random_below(&random, 256), (int)random_below(&random, 254) + 1},
        .agent = agents[generator_pick(&random, agent_weights, ARRAY_LEN(agents))],
    };
    if (client.ip[0] == 127) { // loopback looks odd in a log
        client.ip[0] = 126;
    }
    client.user = generator_chance(&random, 60) ? (int)number + 1 : 0;
    return client;
}

static void append_text(const char *before, const char *text, Buffer *out)
{
    buffer_append_text(out, before);
    buffer_append_text(out, text);
}

static void append_number(const char *before, int64_t value, Buffer *out)
{
    buffer_append_text(out, before);
    generator_digits(value, 1, out);
}

static void write_event(const GeneratorEvent *event, Buffer *out)
{
    Random *random = event->random;
    const Endpoint *endpoint = pick_endpoint(random);
    Client client = pick_client(event);
    const char *method = generator_chance(random, 10) ? endpoint->other : endpoint->method;
    int status = pick_status(event, endpoint);
    double slow = status >= 500 ? 6 : status >= 400 ? 0.6 : 1;
    double millis = endpoint->median_ms * slow * exp(0.5 * generator_normal(random));
    int bytes = status == 304   ? 0
                : status >= 400 ? (int)random_below(random, 400) + 120
                                : (int)(endpoint->bytes * (0.7 + 0.6 * random_unit(random)));
    const char *referer = referers[generator_pick(random, referer_weights, ARRAY_LEN(referers))];
    buffer_append_text(out, "{\"timestamp\":\"");
    generator_timestamp(event->time, false, out);
    buffer_append_text(out, "Z\",\"ip\":\"");
    for (int i = 0; i < 4; i++) {
        generator_digits(client.ip[i], 1, out);
        buffer_append_char(out, i < 3 ? '.' : '"');
    }
    append_text(",\"method\":\"", method, out);
    append_text("\",\"endpoint\":\"", endpoint->path, out);
    append_number("\",\"status_code\":", status, out);
    int64_t hundredths = (int64_t)(millis * 100 + 0.5);
    append_number(",\"response_time\":", hundredths / 100, out);
    buffer_append_char(out, '.');
    generator_digits(hundredths % 100, 2, out);
    append_number(",\"bytes\":", bytes, out);
    append_text(",\"user_agent\":\"", client.agent, out);
    append_text("\",\"referer\":\"", referer, out);
    if (client.user > 0) {
        buffer_append_text(out, "\",\"user_id\":\"user_");
        generator_digits(client.user, 4, out);
        buffer_append_text(out, "\",\"request_id\":\"");
    } else {
        buffer_append_text(out, "\",\"user_id\":null,\"request_id\":\"");
    }
    generator_hex(generator_scramble(event->seed ^ (uint64_t)event->index), out);
    buffer_append_text(out, "\"}");
}

const GeneratorKind generator_web_logs = {
    .name = "web-logs",
    .help = "requests to a web shop, with status codes and response times",
    .schema = "timestamp TIMESTAMP, ip STRING, method STRING, endpoint STRING, status_code INT, "
              "response_time DOUBLE, bytes INT, user_agent STRING, referer STRING, "
              "user_id STRING, request_id STRING",
    .file_prefix = "web_logs_",
    .file_suffix = ".json",
    .rate = 10,
    .errors = 6,
    .burst = 1,
    .write = write_event,
};
