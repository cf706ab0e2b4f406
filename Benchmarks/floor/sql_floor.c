// SPDX-License-Identifier: Apache-2.0
// What statements take when SQLite runs them alone. Prints milliseconds of CPU for one round of all statements, every column read.
// sql_floor DATABASE ROUNDS STATEMENT...
// The rows that the first statement gives in its first column stand as a JSON list for ?1 of the others.
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double milliseconds(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return time.tv_sec * 1e3 + time.tv_nsec * 1e-6;
}

int main(int count, char **words) {
    enum { MOST = 16, ROOM = 1 << 20 };
    sqlite3 *database;
    sqlite3_stmt *statements[MOST];
    if (count < 4 || count > 3 + MOST || sqlite3_open_v2(words[1], &database, SQLITE_OPEN_READONLY, NULL)) return 2;
    sqlite3_exec(database, "PRAGMA cache_size = -65536", NULL, NULL, NULL);
    for (int index = 3; index < count; index++)
        if (sqlite3_prepare_v2(database, words[index], -1, &statements[index - 3], NULL))
            return fprintf(stderr, "%s\n", sqlite3_errmsg(database)), 1;
    char *list = malloc(ROOM);
    long bytes = 0;
    double began = 0;
    int rounds = atoi(words[2]);
    for (int round = -1; round < rounds; round++) {
        if (round == 0) began = milliseconds();
        int length = 1;
        list[0] = '[';
        for (int index = 0; index < count - 3; index++) {
            sqlite3_stmt *statement = statements[index];
            if (index > 0) sqlite3_bind_text(statement, 1, list, length, SQLITE_STATIC);
            while (sqlite3_step(statement) == SQLITE_ROW) {
                for (int column = 0; column < sqlite3_column_count(statement); column++) bytes += sqlite3_column_bytes(statement, column);
                if (index == 0)
                    length += snprintf(list + length, ROOM - length - 2, "%s%lld", length > 1 ? "," : "", sqlite3_column_int64(statement, 0));
            }
            if (index == 0) list[length++] = ']';
            sqlite3_reset(statement);
        }
    }
    printf("%.3f\n", (milliseconds() - began) / rounds);
    return bytes == 0;
}
